/** One GPU of `nvidia-smi -q`: fields by path, such as `ECC Errors/Volatile/DRAM Uncorrectable`. */
export interface QueriedGpu {
  /** As nvidia-smi gives it: `00000000:3B:00.0`. */
  busId: string;
  fields: ReadonlyMap<string, string>;
}

export interface GpuQuery {
  /** What nvidia-smi says is attached; null where it does not say. */
  attached: number | null;
  /** By index. */
  gpus: readonly QueriedGpu[];
  /** Lines about GPUs that do not answer. */
  lost: readonly string[];
}

/** A GPU that cannot be reached is told of in a line of its own, before or among the others. */
const LOST =
  /unable to determine the device handle|gpu is lost|gpu requires reset|unknown error|has fallen off the bus/i;
const HEADER = /^GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f])\s*$/;
const INDENT = 4;

/** Text of `nvidia-smi -q`, of any driver; null where it is something else. */
export function parseGpuQuery(text: string): GpuQuery | null {
  let attached: number | null = null;
  let fields: Map<string, string> | null = null;
  let path: string[] = [];
  const gpus: QueriedGpu[] = [];
  const lost: string[] = [];
  for (const line of text.split('\n')) {
    const header = HEADER.exec(line);
    if (header !== null) {
      fields = new Map();
      path = [];
      gpus.push({ busId: header[1] ?? '', fields });
      continue;
    }
    const indent = line.length - line.trimStart().length;
    const colon = line.indexOf(':');
    const key = (colon < 0 ? line : line.slice(0, colon)).trim();
    const value = colon < 0 ? undefined : line.slice(colon + 1).trim();
    if (indent === 0 && key === 'Attached GPUs' && /^\d+$/.test(value ?? '')) attached = Number(value);
    if (indent === 0 && LOST.test(line)) lost.push(line.trim());
    if (fields === null || key === '' || indent === 0) continue;
    const depth = Math.max(0, Math.floor(indent / INDENT) - 1);
    path = [...path.slice(0, depth), key];
    if (value !== undefined) fields.set(path.join('/'), value);
  }
  return attached === null && gpus.length === 0 && lost.length === 0 ? null : { attached, gpus, lost };
}

/** Fields of a GPU whose path matches, as counts; `N/A` is left out. Null where the GPU has no such field at all. */
export function counts(gpu: QueriedGpu, path: RegExp): { path: string; count: number }[] | null {
  const found = [...gpu.fields].filter(([name]) => path.test(name));
  if (found.length === 0) return null;
  return found.flatMap(([name, value]) => (/^\d+$/.test(value) ? [{ path: name, count: Number(value) }] : []));
}

/** `0000:3b:00`, as the driver writes in the kernel's log, of `00000000:3B:00.0`. */
export function pciAddress(busId: string): string {
  const [domain = '', bus = '', device = ''] = busId.toLowerCase().split(':');
  return `${domain.slice(-4)}:${bus}:${device.split('.')[0] ?? ''}`;
}
