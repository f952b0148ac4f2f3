import {
  type Check,
  type CheckRun,
  critical,
  type Finding,
  firstLine,
  judged,
  ok,
  skipped,
  some,
  unknown,
} from './check.ts';
import { type IbPort, parseIbstat, parseSysfsPort } from './infiniband.ts';

const FOLDER = '/sys/class/infiniband';
const READS = `${FOLDER}/*/ports/*, else ibstat`;
const IBSTAT_TIMEOUT_MS = 10_000;

export const INFINIBAND_CHECKS: readonly Check[] = [
  {
    name: 'ib-links',
    severity: 'high',
    finds: 'an InfiniBand port that is not active',
    reads: READS,
    run: (run) =>
      withPorts(run, (ports) => {
        const down = ports.filter(({ state }) => state !== 'Active');
        const expected = run.expect.infiniband?.ports ?? ports.length;
        const active = ports.length - down.length;
        // Ports without a cable are there on healthy nodes too: with a number expected, so many have to be active.
        if (active >= expected) return ok(`${active} InfiniBand ports are active`);
        const states = down.map(({ name, state, physicalState }) => `${name} ${state}/${physicalState}`);
        return critical(
          `${active} of ${expected} InfiniBand ports are active${states.length > 0 ? `: ${some(states)}` : ''}`,
        );
      }),
  },
  {
    name: 'ib-rate',
    severity: 'high',
    finds: 'an active InfiniBand port that is slower than expected, or than the fastest',
    reads: READS,
    run: (run) =>
      withPorts(run, (ports) => {
        const active = ports.filter(({ state }) => state === 'Active');
        if (active.some(({ gigabitsPerSecond }) => gigabitsPerSecond === null))
          return unknown('a port does not give its rate');
        const expected =
          run.expect.infiniband?.gigabitsPerSecond ?? Math.max(0, ...active.map((port) => port.gigabitsPerSecond ?? 0));
        const slow = active.filter(({ gigabitsPerSecond }) => (gigabitsPerSecond ?? 0) < expected);
        if (slow.length === 0) return ok(`${expected} Gb/s on ${active.length} ports`);
        const rates = slow.map(({ name, gigabitsPerSecond }) => `${name} ${gigabitsPerSecond} Gb/s`);
        return critical(`expected ${expected} Gb/s: ${some(rates)}`);
      }),
  },
];

/** The ports, some at least, that are InfiniBand and not Ethernet. */
const withPorts = judged(async (run): Promise<IbPort[] | Finding> => {
  const reading = await readPorts(run);
  if (!Array.isArray(reading)) return reading;
  const ports = reading.filter(({ isInfiniBand }) => isInfiniBand);
  if (ports.length > 0) return ports;
  const expected = run.expect.infiniband?.ports ?? 0;
  return expected > 0 ? critical(`0 of ${expected} InfiniBand ports are there`) : skipped('no InfiniBand');
});

async function readPorts(run: CheckRun): Promise<IbPort[] | Finding> {
  const { machine } = run;
  const adapters = await machine.list(FOLDER);
  if (adapters === null) return await askIbstat(run);
  const ports: IbPort[] = [];
  for (const adapter of adapters) {
    for (const number of (await machine.list(`${FOLDER}/${adapter}/ports`)) ?? []) {
      const file = async (name: string) =>
        (await machine.read(`${FOLDER}/${adapter}/ports/${number}/${name}`))?.trim() ?? '';
      const port = parseSysfsPort(`${adapter}/${number}`, {
        state: await file('state'),
        physicalState: await file('phys_state'),
        rate: await file('rate'),
        linkLayer: await file('link_layer'),
      });
      if (port === null) return unknown(`the state of ${adapter}, port ${number}, cannot be read`);
      ports.push(port);
    }
  }
  return ports;
}

/** Where /sys is hidden, as in some containers. */
async function askIbstat(run: CheckRun): Promise<IbPort[] | Finding> {
  const outcome = await run.machine.run(['ibstat'], IBSTAT_TIMEOUT_MS);
  if (outcome.kind === 'missing') return [];
  if (outcome.kind === 'timedOut') return unknown(`ibstat did not answer within ${outcome.afterMs / 1000} s`);
  return (
    parseIbstat(outcome.stdout) ?? unknown(`ibstat cannot be read: ${firstLine(outcome.stderr || outcome.stdout)}`)
  );
}
