import type { TwinReport } from '../../../twin/report.ts';
import { type Fact, factCards, html, type Markup } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { section } from './section.ts';
import { digits, whole } from '../sim-words.ts';

export function energySection(report: TwinReport): Markup {
  const { energy } = report.predictions;
  const device = deviceWord(report);
  if (energy === null) {
    return section(
      'energy',
      'predicted',
      'Energy',
      html`<p>The power of a node is not known of this cluster, so energy is not estimated.</p>`,
    );
  }
  const facts: Fact[] = [
    {
      name: 'Energy',
      value: `${digits(energy.megawattHours)} MWh`,
      meaning: `Of nodes and of what cools and feeds them (PUE ${digits(energy.powerUsageEffectiveness)}, assumed).`,
    },
    { name: 'Mean power', value: `${digits(energy.meanKilowatts)} kW`, meaning: 'Of the building, over the run.' },
  ];
  if (energy.kilowattHoursPerProductiveHour !== null) {
    facts.push({
      name: `A productive ${device}-hour`,
      value: `${digits(energy.kilowattHoursPerProductiveHour)} kWh`,
      meaning: `All energy over the ${device}-hours that counted.`,
    });
  }
  facts.push({
    name: 'A node',
    value: `${whole(energy.nodeWattsBusy)} W`,
    meaning: `With all its ${device}s allocated; ${whole(energy.nodeWattsIdle)} W idle. Between these in proportion to allocated ${device}s.`,
  });
  return section('energy', 'predicted', `Energy: ${digits(energy.megawattHours)} MWh`, factCards(facts));
}
