/** Links of one GPU, by `nvidia-smi nvlink --status`. */
export interface NvlinkGpu {
  index: number;
  active: number[];
  inactive: number[];
}

/** Error counts of one GPU's links, by `nvidia-smi nvlink -e`. */
export interface NvlinkErrors {
  index: number;
  link: number;
  kind: string;
  count: number;
}

const GPU = /^GPU (\d+):/;

/** Null where the text is something else. A GPU without NVLink has no links. */
export function parseNvlinkStatus(text: string): NvlinkGpu[] | null {
  const gpus: NvlinkGpu[] = [];
  for (const line of text.split('\n')) {
    const index = GPU.exec(line)?.[1];
    if (index !== undefined) gpus.push({ index: Number(index), active: [], inactive: [] });
    const [, link, state = ''] = /^\s+Link (\d+): (.+?)\s*$/.exec(line) ?? [];
    const gpu = gpus.at(-1);
    if (link === undefined || gpu === undefined) continue;
    // Only a bandwidth speaks for a link; whatever else may be written there does not.
    (/^\d+(\.\d+)? [GM]B\/s$/.test(state) ? gpu.active : gpu.inactive).push(Number(link));
  }
  return gpus.length === 0 ? null : gpus;
}

/** All counts, also those of 0; null where the text is something else. */
export function parseNvlinkErrors(text: string): NvlinkErrors[] | null {
  const errors: NvlinkErrors[] = [];
  let index: number | null = null;
  for (const line of text.split('\n')) {
    const gpu = GPU.exec(line)?.[1];
    if (gpu !== undefined) index = Number(gpu);
    const [, link, kind = '', count] = /^\s+Link (\d+): (\w+) Errors: (\d+)\s*$/.exec(line) ?? [];
    if (index !== null && link !== undefined) errors.push({ index, link: Number(link), kind, count: Number(count) });
  }
  return index === null ? null : errors;
}
