/** Bytes of one token id in a tokenised data set of a vocabulary of up to 65,536 (two) or more (four). */
export function tokenBytes(vocab: number): number {
  return vocab <= 65_536 ? 2 : 4;
}

export interface StorageDemand {
  /** Of training data that is read, tokenised, bytes/s. */
  dataBytesPerSecond: number;
  /** Of checkpoints, over the whole run, bytes/s. */
  checkpointBytesPerSecond: number;
}

/** What storage must deliver and take in the mean while training runs. */
export function storageDemand(
  run: { tokensPerStep: number; iterationSeconds: number; vocab: number },
  checkpoint: { bytes: number; intervalSeconds: number },
): StorageDemand {
  return {
    dataBytesPerSecond: (run.tokensPerStep / run.iterationSeconds) * tokenBytes(run.vocab),
    checkpointBytesPerSecond: checkpoint.bytes / checkpoint.intervalSeconds,
  };
}
