/** How much of each a limit allows; absent or null: as much as there is. */
export interface UseLimit {
  jobs?: number | null;
  nodes?: number | null;
  gpus?: number | null;
  cpus?: number | null;
  memoryBytes?: number | null;
}

/** Limits of a QOS, of an account or of a user in one, in the sense of Slurm's `Grp*`, `Max*PerUser`, `Max*PerJob` and `MaxWall`. */
export interface Limits {
  /** All running jobs together (`GrpJobs`, `GrpTRES`). */
  group?: UseLimit;
  /** The running jobs of one user (`MaxJobsPerUser`, `MaxTRESPerUser`). */
  perUser?: UseLimit;
  /** The running jobs of one account (`MaxJobsPerAccount`, `MaxTRESPerAccount`). */
  perAccount?: UseLimit;
  /** One job (`MaxTRESPerJob`); `jobs` means nothing here. */
  perJob?: UseLimit;
  /** What one job has on each of its nodes (`MaxTRESPerNode`); `jobs` and `nodes` mean nothing here. */
  perNode?: UseLimit;
  /**
   * The minutes of each that one job has by its time limit (`MaxTRESMinsPerJob`): `cpus: 60` is one CPU for an hour. `jobs` means nothing here.
   */
  perJobMinutes?: UseLimit;
  /** The same that all running jobs together have ahead of them (`GrpTRESRunMins`). */
  groupRunMinutes?: UseLimit;
  /** The same that all jobs together may use (`GrpTRESMins`): as priorities fade, so does what was used. What runs is ended once it is reached. */
  groupMinutes?: UseLimit;
  /** How long all jobs together may run (`GrpWall`), likewise. */
  groupWallSeconds?: number | null;
  /** Pending and running jobs of one user (`MaxSubmitJobsPerUser`): more are refused at submission. */
  submitJobsPerUser?: number | null;
  /** The same of all (`GrpSubmitJobs`). */
  submitJobs?: number | null;
  /** The same of one account (`MaxSubmitJobsPerAccount`). */
  submitJobsPerAccount?: number | null;
  /** `MaxWall`: a job that asks for more waits for ever. One that asks for none gets this, where its partition has no `DefaultTime`. */
  wallSecondsMax?: number | null;
}

/** A limit of a partition that the jobs of a QOS need not keep. */
export type LiftedLimit = 'minNodes' | 'maxNodes' | 'maxTimeSeconds';

export type PreemptMode = 'requeue' | 'cancel' | 'off';

export interface QosPolicy extends Limits {
  name: string;
  /** `Priority`: scaled by the largest of all QOS, then weighted. Default 0. */
  priority?: number;
  /** Names of QOS whose jobs its jobs may preempt. */
  preempts?: readonly string[];
  /** What becomes of a job of this QOS that is preempted; absent: the cluster's `preemptMode`. */
  preemptMode?: PreemptMode | null;
  /** Between the first signal to a preempted job of this QOS and its end (`GraceTime`). Default 0. */
  graceSeconds?: number;
  /** A job of this QOS that has run less is not preempted (`PreemptExemptTime`); absent: the cluster's. */
  preemptExemptSeconds?: number | null;
  /** What its use counts for in fair-share (`UsageFactor`). Default 1. */
  usageFactor?: number;
  /** Its limits come before the same ones of the QOS of a partition (`Flags=OverPartQOS`). Default: after them. */
  isOverPartitionQos?: boolean;
  /** What a job has to ask for at least (`MinTRESPerJob`): with less it waits for ever. */
  perJobMin?: UseLimit;
  /** A job that could never start for its limits, or for those of its account, is refused (`Flags=DenyOnLimit`). Default: it waits for ever. */
  isDeniedOnLimit?: boolean;
  /** Its jobs start where they can and have no reservation (`Flags=NoReserve`). */
  isNeverReserved?: boolean;
  /** What its jobs used does not fade (`Flags=NoDecay`). */
  isUseKept?: boolean;
  /** `Flags=PartitionMinNodes,PartitionMaxNodes,PartitionTimeLimit`. */
  lifts?: readonly LiftedLimit[];
}

/**
 * Fair-share: entitlement among siblings (`Fairshare`). `parent`, as in Slurm: a user has what the account has, and with `fair_tree` comes before all who
 * have shares in it; whatever is below such an account shares with the siblings of that.
 */
export type Shares = number | 'parent';

/** An account or a user of an account (Slurm's association). Names of accounts are unique. */
export interface AccountPolicy extends Limits {
  name: string;
  /** Null: right below the root. */
  parent?: string | null;
  /** Among its siblings. Default 1. */
  shares?: Shares;
}

/** Limits of its own come before those of the account, its `group` beside that (an association of a user). */
export interface UserPolicy extends Omit<Limits, 'perAccount' | 'submitJobsPerAccount'> {
  name: string;
  account: string;
  /** Among the users of the account. Default 1. */
  shares?: Shares;
}
