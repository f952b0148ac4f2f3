export interface Mount {
  source: string;
  path: string;
  type: string;
  isReadOnly: boolean;
}

/** Text of /proc/self/mounts, later mounts last; null where it is something else. */
export function parseMounts(text: string): Mount[] | null {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const [source, path, type, options, ...numbers] = line.split(' ');
    if (source === undefined || path?.startsWith('/') !== true || type === undefined || options === undefined) continue;
    if (numbers.length !== 2) continue;
    const isReadOnly = options.split(',').includes('ro');
    mounts.push({ source: unescapeOctal(source), path: unescapeOctal(path), type, isReadOnly });
  }
  return mounts.length === 0 ? null : mounts;
}

/** The kernel writes blanks and backslashes of names as `\040`. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

export interface FileSystemUse {
  /** Of what ordinary users may use, in [0, 100]. */
  freePercent: number;
  /** Null where the file system does not count files. */
  inodesFreePercent: number | null;
}

/** Output of `stat -f --format='%a %f %b %d %c'`: free blocks for users and for all, blocks, free files, files. Null where it is not. */
export function parseFileSystemUse(text: string): FileSystemUse | null {
  const match = /^(\d+) (\d+) (\d+) (\d+) (\d+)$/.exec(text.trim());
  if (match === null) return null;
  const [available = 0, free = 0, blocks = 0, filesFree = 0, files = 0] = match.slice(1).map(Number);
  // As df has it: what is kept for root belongs to neither side.
  const usable = blocks - free + available;
  return {
    freePercent: usable <= 0 ? 100 : (100 * available) / usable,
    inodesFreePercent: files === 0 ? null : (100 * filesFree) / files,
  };
}
