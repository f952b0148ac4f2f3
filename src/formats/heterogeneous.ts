/** What is said of a request for a heterogeneous job, in a script or on a command line. */
export const HETEROGENEOUS = 'a heterogeneous job is not taken: submit its parts as jobs, or with sbatch';

/**
 * Whether words behind a program read as another component, as `srun a : -N 2 b` has them: a lone colon with an option behind it. It may be meant: `:` is
 * a word like others.
 */
export function looksHeterogeneous(words: readonly string[]): boolean {
  return words.some((word, index) => index > 0 && word === ':' && words[index + 1]?.startsWith('-') === true);
}
