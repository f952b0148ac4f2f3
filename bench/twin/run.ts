// The twin's speed on one core: the EASY trace beside other simulators and a plain EASY, eleven months of RSC-1 and RSC-2, and how the cost
// of a job grows with the cluster and with the queue. README.md says how to read it.
// node bench/twin/run.ts [--json] [--only easy,rsc,scale] [--rounds 5] [--days 330]      after npm run build
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measureEasy, measureWaits } from './easy-speed.ts';
import { PEERS } from './peers.ts';
import { measureRsc } from './rsc-speed.ts';
import { measureDepths, measureSizes } from './scale.ts';
import { printEasy, printRsc, printScale } from './tables.ts';
import { traceFolder } from './trace.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: 'easy,rsc,scale' },
    rounds: { type: 'string', default: '5' },
    days: { type: 'string', default: '330' },
  },
});
const parts = new Set(options.only.split(','));
const report: Record<string, unknown> = {};
const show = (print: () => void) => {
  if (!options.json) print();
};

show(() => console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}`));
if (parts.has('easy')) {
  const folder = traceFolder();
  if (folder === undefined) console.error('no traces: the EASY trace is left out (set ORRERY_DATA)');
  else {
    const speed = await measureEasy(folder, Number(options.rounds));
    const waits = measureWaits(folder);
    show(() => printEasy(speed, waits, Number(options.rounds)));
    Object.assign(report, { easy: { speed, waits, peers: PEERS } });
  }
}
if (parts.has('rsc')) {
  const rsc = await measureRsc(Number(options.days));
  show(() => printRsc(rsc, Number(options.days)));
  Object.assign(report, { days: Number(options.days), rsc });
}
if (parts.has('scale')) {
  const [sizes, depths] = [measureSizes(), measureDepths()];
  show(() => printScale(sizes, depths));
  Object.assign(report, { sizes, depths });
}
if (options.json) console.log(JSON.stringify(report));
