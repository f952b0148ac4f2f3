/** What other simulators say of the same traces. All were run on a machine of two cores that had other work besides: hence CPU seconds. */
export interface PeerFigure {
  name: string;
  version: string;
  source: string;
  /** Jobs per CPU second on `s100k`. */
  jobsPerCpuSecond: number;
  /** By trace. */
  meanWaitSeconds: Readonly<Record<string, number>>;
}

export const CQSIM: PeerFigure = {
  name: 'CQSim',
  version: '53b52fa (2021), Python',
  source: 'github.com/SPEAR-UIC/CQSim, EASY; run on these traces',
  jobsPerCpuSecond: 1611,
  meanWaitSeconds: { s10k: 799.8, s100k: 1939 },
};

export const ALEA: PeerFigure = {
  name: 'Alea',
  version: 'a3315f0 (2023), Java 17',
  source: 'github.com/aleasimulator/alea, EASY with estimates; run on these traces',
  jobsPerCpuSecond: 435,
  meanWaitSeconds: { s10k: 1107.1, x10k: 10_179 },
};

export const ACCASIM: PeerFigure = {
  name: 'AccaSim',
  version: '2a3c0e0 (2020), Python',
  source: 'github.com/cgalleguillosm/accasim, EBF with first fit; run on these traces, cut off at 40,000 jobs',
  jobsPerCpuSecond: 115,
  meanWaitSeconds: { s10k: 918.0 },
};

export const PEERS: readonly PeerFigure[] = [CQSIM, ALEA, ACCASIM];
