/** An entry of a Gres list of Slurm. */
export interface GresEntry {
  /** As it stands there. */
  text: string;
  name: string;
  type: string | null;
  /** Without a count it is 1; null: what should be a count is none. */
  count: number | null;
}

/** What `--gres` asks for: GPUs as `--gpus-per-node` takes them (undefined: none), and the rest as it stands. */
export function splitGres(list: string): { gpus: string | undefined; others: string } {
  const entries = gresEntries(list);
  const gpu = entries.find(({ name }) => name === 'gpu');
  const others = entries.filter(({ name }) => name !== 'gpu').map(({ text }) => text);
  if (gpu === undefined) return { gpus: undefined, others: others.join(',') };
  const { type, count } = gpu;
  // What is no count is for the reader of GPUs to refuse.
  const gpus = count === null ? gpu.text : type === null ? String(count) : `${type}:${count}`;
  return { gpus, others: others.join(',') };
}

/** `gpu:a100:8`, `gpu:8`, `gpu:a100:8(S:0-1),nic:no_consume:2`; counts may end in K. */
export function gresEntries(list: string): GresEntry[] {
  return list.split(/,(?![^(]*\))/).flatMap((text) => {
    if (text === '' || text === '(null)') return [];
    const [name = '', ...rest] = text.replace(/\(.*\)$/, '').split(':');
    const parts = rest.filter((part) => part.toLowerCase() !== 'no_consume');
    const last = parts.at(-1);
    const [, digits, kilo] = /^(\d+)(K?)$/i.exec(last ?? '1') ?? [];
    if (digits === undefined) {
      return [{ text, name: name.toLowerCase(), type: last ?? null, count: parts.length > 1 ? null : 1 }];
    }
    const count = Number(digits) * (kilo === '' ? 1 : 1024);
    return [{ text, name: name.toLowerCase(), type: parts.at(-2) ?? null, count }];
  });
}
