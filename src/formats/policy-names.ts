/** A name that is wrong, and where in the policy. */
export interface NameFault {
  path: readonly (string | number)[];
  text: string;
}

interface Named {
  name: string;
}

interface Lists {
  qos?: readonly (Named & { preempts?: readonly string[] })[];
  accounts?: readonly (Named & { parent?: string | null })[];
  users?: readonly { account: string }[];
  partitions?: readonly (Named & { isDefault?: boolean; qos?: string })[];
  reservations?: readonly Named[];
  jobs?: { exclusivePartitions: readonly string[]; partitionDefaults: Readonly<Record<string, unknown>> };
}

/** Names that are given twice, or name what is not there. */
export function wrongNames({
  qos: qosList = [],
  accounts = [],
  users = [],
  partitions = [],
  reservations = [],
  jobs,
}: Lists): NameFault[] {
  const faults: NameFault[] = [];
  const lists = { qos: qosList, accounts, partitions, reservations };
  for (const [list, entries] of Object.entries(lists)) {
    const seen = new Set<string>();
    entries.forEach((entry, index) => {
      if (seen.has(entry.name))
        faults.push({ path: [list, index, 'name'], text: `expected each name once, got "${entry.name}" again` });
      seen.add(entry.name);
    });
  }
  const expect = (known: readonly Named[], wanted: string, what: string, path: NameFault['path']) => {
    if (known.some((entry) => entry.name === wanted)) return;
    const list = known.length === 0 ? 'there is none' : `known are ${known.map((entry) => entry.name).join(', ')}`;
    faults.push({ path, text: `expected the name of ${what} (${list}), got "${wanted}"` });
  };
  qosList.forEach(({ preempts = [] }, index) => {
    preempts.forEach((wanted, place) => expect(qosList, wanted, 'a QOS', ['qos', index, 'preempts', place]));
  });
  users.forEach(({ account: wanted }, index) => {
    // Users may be right below it, and it has no limits to name.
    if (wanted !== 'root') expect(accounts, wanted, 'an account', ['users', index, 'account']);
  });
  accounts.forEach(({ name: own, parent }, index) => {
    const path = ['accounts', index, 'parent'];
    if (parent !== undefined && parent !== null) expect(accounts, parent, 'an account', path);
    if (isOwnAncestor(own, accounts)) faults.push({ path, text: `expected no account above itself, got "${own}"` });
  });
  partitions.forEach(({ qos: wanted }, index) => {
    if (wanted !== undefined) expect(qosList, wanted, 'a QOS', ['partitions', index, 'qos']);
  });
  jobs?.exclusivePartitions.forEach((wanted, index) => {
    expect(partitions, wanted, 'a partition', ['jobs', 'exclusivePartitions', index]);
  });
  for (const wanted of Object.keys(jobs?.partitionDefaults ?? {})) {
    expect(partitions, wanted, 'a partition', ['jobs', 'partitionDefaults', wanted]);
  }
  const defaults = partitions.flatMap((entry, index) => (entry.isDefault === true ? [index] : []));
  const second = defaults[1];
  if (second !== undefined) {
    faults.push({
      path: ['partitions', second, 'isDefault'],
      text: 'expected one default partition, got a second one',
    });
  }
  return faults;
}

function isOwnAncestor(own: string, accounts: NonNullable<Lists['accounts']>): boolean {
  const parents = new Map(accounts.map((entry) => [entry.name, entry.parent ?? null]));
  let above = parents.get(own) ?? null;
  for (let steps = 0; above !== null && steps < accounts.length; steps++) {
    if (above === own) return true;
    above = parents.get(above) ?? null;
  }
  return false;
}
