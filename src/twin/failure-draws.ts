import { type Random, WeightedIndex } from '../lib/random.ts';
import { type FailureModel, NODE_COMPONENTS, type NodeComponent, type RepairTime } from './failure-model.ts';
import type { Severity } from './types.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const JOB_ENDING = ['high', 'heartbeat', 'job'] as const satisfies readonly Severity[];
/** slurmctld pings nodes three times in SlurmdTimeout, so the last answer came up to a third of it before the node broke. */
const PINGS_PER_TIMEOUT = 3;

/** What there is to know of a failure but where and when. Milliseconds. */
export interface Failure {
  component: NodeComponent;
  severity: Severity;
  delayMs: number;
  repairMs: number;
  alsoSeen: readonly NodeComponent[];
}

const NOTHING_ELSE: readonly NodeComponent[] = [];

/** Draws failures of a model. Takes numbers from the generator it is given only, as many for each failure of a component. */
export class FailureDraws {
  readonly #model: FailureModel;
  readonly #components: WeightedIndex;
  /** Of those a check can name. */
  readonly #checkedComponents: WeightedIndex;
  readonly #severities: Readonly<Record<NodeComponent, WeightedIndex>>;

  constructor(model: FailureModel) {
    this.#model = model;
    const shares = NODE_COMPONENTS.map((component) => model.components[component].share);
    this.#components = new WeightedIndex(shares);
    // One more than nothing, so that a model in which no cause is ever known still has checks.
    this.#checkedComponents = new WeightedIndex(
      shares.map((share, index) => (NODE_COMPONENTS[index] === 'unattributed' ? 0 : share + Number.MIN_VALUE)),
    );
    const severitiesOf = (component: NodeComponent) =>
      new WeightedIndex(JOB_ENDING.map((severity) => model.components[component].severities[severity]));
    this.#severities = {
      gpu: severitiesOf('gpu'),
      nvlink: severitiesOf('nvlink'),
      ib_link: severitiesOf('ib_link'),
      pcie: severitiesOf('pcie'),
      mount: severitiesOf('mount'),
      host: severitiesOf('host'),
      unattributed: severitiesOf('unattributed'),
    };
  }

  /** One that ends the jobs on its node; of that component, or of any by their shares. */
  jobEnding(random: Random, only: NodeComponent | null): Failure {
    const component = only ?? componentAt(this.#components.draw(random));
    const severity = JOB_ENDING[this.#severities[component].draw(random)] ?? 'high';
    const delayMs = this.#delayMs(severity, random);
    const { replacementShare, alsoSeen } = this.#model.components[component];
    const repairMs = this.#repairMs(replacementShare, random);
    const seen = alsoSeen.filter(({ share }) => random.nextUniform() < share);
    return {
      component,
      severity,
      delayMs,
      repairMs,
      alsoSeen: seen.length === 0 ? NOTHING_ELSE : seen.map((other) => other.component),
    };
  }

  /** A fault that a check finds and that drains the node. */
  draining(random: Random): Failure {
    const component = componentAt(this.#checkedComponents.draw(random));
    const delayMs = this.#delayMs('low', random);
    const repairMs = this.#repairMs(this.#model.lowSeverity.replacementShare, random);
    return { component, severity: 'low', delayMs, repairMs, alsoSeen: NOTHING_ELSE };
  }

  /** A check that fails although nothing is wrong: noticed as it happens. */
  falsePositive(random: Random): Failure {
    const { highShare, repair } = this.#model.falsePositives;
    const component = componentAt(this.#checkedComponents.draw(random));
    const repairMs = drawRepairMs(repair, random);
    const severity = highShare > 0 && random.nextUniform() < highShare ? 'high' : 'low';
    return { component, severity, delayMs: 0, repairMs, alsoSeen: NOTHING_ELSE };
  }

  /** From a fault until the next run of the health checks. */
  checkDelayMs(random: Random): number {
    return Math.round(random.nextUniform() * this.#model.detection.checkIntervalSeconds * SECOND_MS);
  }

  #delayMs(severity: Severity, random: Random): number {
    const { heartbeatTimeoutSeconds, epilogShare, epilogSeconds } = this.#model.detection;
    const untilCheckMs = this.checkDelayMs(random);
    const uniform = random.nextUniform();
    if (severity === 'heartbeat') {
      return Math.round(heartbeatTimeoutSeconds * SECOND_MS * (1 - uniform / PINGS_PER_TIMEOUT));
    }
    if (severity === 'job' && uniform < epilogShare) return Math.min(untilCheckMs, epilogSeconds * SECOND_MS);
    return untilCheckMs;
  }

  #repairMs(replacementShare: number, random: Random): number {
    const { reset, replacement } = this.#model.repair;
    return drawRepairMs(random.nextUniform() < replacementShare ? replacement : reset, random);
  }
}

/** At least a second, so that a node that was out has been seen to be. */
export function drawRepairMs({ medianHours, logDeviation }: RepairTime, random: Random): number {
  return Math.max(SECOND_MS, Math.round(HOUR_MS * random.nextLogNormal(Math.log(medianHours), logDeviation)));
}

function componentAt(index: number): NodeComponent {
  return NODE_COMPONENTS[index] ?? 'unattributed';
}
