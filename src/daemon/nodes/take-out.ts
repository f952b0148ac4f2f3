import type { Backend } from '../../backend/port.ts';
import { OrreryError } from '../../contract/errors.ts';

/** Drains a node; where that is not ours to do, jobs of ours keep off it. Resolves to why not, in one line, in the second case, else to null. */
export async function takeOut(
  backend: Pick<Backend, 'drain' | 'avoidNode'>,
  nodeName: string,
  reason: string,
  drainReason = reason,
): Promise<string | null> {
  try {
    await backend.drain(nodeName, drainReason);
    return null;
  } catch (error) {
    if (!(error instanceof OrreryError && error.code === 'ORR_REFUSED')) throw error;
    await backend.avoidNode(nodeName, reason);
    return error.message;
  }
}
