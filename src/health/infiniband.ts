/** A port of a host channel adapter. */
export interface IbPort {
  /** Such as `mlx5_0/1`. */
  name: string;
  /** `Active`, `Down`, `Init`, `Armed`, as ibstat writes it. */
  state: string;
  /** `LinkUp`, `Polling`, `Disabled`. */
  physicalState: string;
  gigabitsPerSecond: number | null;
  isInfiniBand: boolean;
}

/** The files of one port under /sys/class/infiniband: `4: ACTIVE`, `5: LinkUp`, `400 Gb/sec (4X NDR)`, `InfiniBand`. Null where they are not so. */
export function parseSysfsPort(
  name: string,
  files: { state: string; physicalState: string; rate: string; linkLayer: string },
): IbPort | null {
  const state = /^\d+: ([A-Z]\w*)/i.exec(files.state)?.[1];
  const physicalState = /^\d+: (\w+)/.exec(files.physicalState)?.[1];
  if (state === undefined || physicalState === undefined) return null;
  return {
    name,
    state: state.charAt(0).toUpperCase() + state.slice(1).toLowerCase(),
    physicalState,
    gigabitsPerSecond: gigabits(/^(\d+(?:\.\d+)?) Gb\/sec/.exec(files.rate)?.[1]),
    isInfiniBand: files.linkLayer.trim() === 'InfiniBand',
  };
}

/** Text of `ibstat`, also one that broke off; null where it is something else. */
export function parseIbstat(text: string): IbPort[] | null {
  const ports: IbPort[] = [];
  let adapter: string | null = null;
  for (const line of text.split('\n')) {
    const named = /^CA '([^']+)'/.exec(line)?.[1];
    if (named !== undefined) adapter = named;
    const number = /^\s+Port (\d+):\s*$/.exec(line)?.[1];
    if (adapter !== null && number !== undefined) {
      ports.push({
        name: `${adapter}/${number}`,
        state: '',
        physicalState: '',
        gigabitsPerSecond: null,
        isInfiniBand: false,
      });
    }
    const port = ports.at(-1);
    const [, key, value = ''] = /^\s+(State|Physical state|Rate|Link layer): (.+?)\s*$/.exec(line) ?? [];
    if (port === undefined || key === undefined) continue;
    if (key === 'State') port.state = value;
    else if (key === 'Physical state') port.physicalState = value;
    else if (key === 'Rate') port.gigabitsPerSecond = gigabits(/^\d+(?:\.\d+)?$/.exec(value)?.[0]);
    else port.isInfiniBand = value === 'InfiniBand';
  }
  return adapter === null ? null : ports;
}

function gigabits(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}
