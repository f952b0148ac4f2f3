import { errorCode } from '../../../lib/error-code.ts';
import { errorLine } from '../../../lib/error-message.ts';

const FULL: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left there, or no inodes are (ENOSPC): make room',
  EDQUOT: 'your quota there is used up (EDQUOT): make room',
};

/** What the file system says of the folder of jobs, with where that is, in one line; what it is not that said it stays as it is. */
export function folderFailure(error: unknown, folder: string): string {
  const code = errorCode(error);
  const line = errorLine(error);
  const full = FULL[code];
  if (full !== undefined) return `${folder}: ${full}`;
  // Of a file that is open Node names no path.
  return /^E[A-Z]+$/.test(code) && !line.includes(folder) ? `${folder}: ${line}` : line;
}
