import type { Calibration } from '../plan/calibration.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** The constants before and after, and how far the predictions are off with each. */
export function renderCalibration(calibration: Calibration, terminal: Terminal): string {
  const { base, file, rows, constants, errorPercent, interval } = calibration;
  const table = renderTable<Calibration['constants'][number]>(
    [
      { header: 'CONSTANT', text: ({ name }) => name },
      { header: base.toUpperCase(), align: 'right', text: ({ before }) => figure(before) },
      { header: 'CALIBRATED', align: 'right', text: ({ after }) => figure(after) },
    ],
    constants,
    terminal,
  );
  const { before, fitted, heldOutByModel } = errorPercent;
  const heldOut =
    heldOutByModel === null
      ? 'all rows are of one model, so nothing tells how well another is predicted'
      : `${percent(heldOutByModel)} on models that the fit did not see`;
  return [
    table,
    '',
    `Mean absolute error over ${rows} rows: ${percent(before)} before, ${percent(fitted)} after; ${heldOut}.`,
    `80 % interval: ${percent(100 * interval.low - 100)} to +${percent(100 * interval.high - 100)}`,
    file === null
      ? 'Written nowhere: --out FILE keeps it for --stack FILE.'
      : `Written to ${file}: use it with --stack ${file}`,
  ].join('\n');
}

function percent(value: number): string {
  return `${value.toFixed(1)} %`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}
