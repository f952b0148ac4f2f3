import { readCatalogue } from '../src/cli/cluster-report.ts';

/** Shows the fit that estimates of HPL Rmax rest on, made anew from the anchors of `catalog/top500.yaml` whenever one is asked for. */
const { hplFit } = await readCatalogue();
const { share, exponent, low, high, heldOut } = hplFit;
console.log(`Rmax of a GPU = ${share.toFixed(3)} x FP64 peak x (memory / 80 GB)^${exponent.toFixed(3)}`);
console.log(`range: ${low.toFixed(3)} to ${high.toFixed(3)} of it\n`);
console.log('held out              measured  predicted   error');
for (const { name, measuredFlops, predictedFlops, errorPercent } of heldOut) {
  const petaflops = (flops: number) => `${(flops / 1e15).toFixed(2)} PF`;
  const error = `${errorPercent > 0 ? '+' : ''}${errorPercent.toFixed(1)} %`;
  console.log(
    `${name.padEnd(20)}${petaflops(measuredFlops).padStart(10)}${petaflops(predictedFlops).padStart(11)}${error.padStart(8)}`,
  );
}
