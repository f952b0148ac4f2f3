import { POWER_SHARE, PUE_DEFAULT } from '../../planner/energy.ts';
import type { EnergyReport } from '../report.ts';

/** Of what a node draws at full work, when it does nothing: an assumption, no published figure for a DGX A100. */
const IDLE_POWER_SHARE = 0.3;

export interface EnergyInput {
  nodeWattsMax: number;
  nodes: number;
  devices: number;
  /** Devices times milliseconds. */
  allocatedDeviceMs: number;
  productiveDeviceMs: number;
  capacityDeviceMs: number;
}

/**
 * Energy of the machine and of what cools and feeds it. A node draws between idle and full work in proportion to the devices allocated on it, since what a
 * job does with them is not known; one that is drained or down draws as an idle one.
 */
export function energyUse(input: EnergyInput): EnergyReport {
  const { nodeWattsMax, nodes, devices, allocatedDeviceMs, productiveDeviceMs, capacityDeviceMs } = input;
  const nodeWattsBusy = POWER_SHARE * nodeWattsMax;
  const nodeWattsIdle = IDLE_POWER_SHARE * nodeWattsBusy;
  const nodeMs = nodes / devices;
  const wattMs =
    (nodeWattsIdle * capacityDeviceMs + (nodeWattsBusy - nodeWattsIdle) * allocatedDeviceMs) * nodeMs * PUE_DEFAULT;
  const kilowattHours = wattMs / 3.6e9;
  return {
    megawattHours: kilowattHours / 1000,
    meanKilowatts: capacityDeviceMs === 0 ? 0 : (wattMs * devices) / capacityDeviceMs / 1000,
    kilowattHoursPerProductiveHour: productiveDeviceMs === 0 ? null : kilowattHours / (productiveDeviceMs / 3.6e6),
    nodeWattsBusy,
    nodeWattsIdle,
    powerUsageEffectiveness: PUE_DEFAULT,
  };
}
