import type { PriorityParts, ShareView } from '../../../scheduler/types.ts';

/** `sprio --noheader --format=SPRIO_FORMAT`: id, priority, weighted parts, nice, TRES; `|` stands in none of them. */
export const SPRIO_FORMAT = '%i|%Y|%A|%F|%J|%P|%Q|%N|%B|%S|%T';

/** Parts of the priority of pending jobs by Slurm's number; of a job in several partitions those of the first. Lines that are none are left out. */
export function parseSprio(text: string): Map<number, PriorityParts> {
  const parts = new Map<number, PriorityParts>();
  for (const line of text.split('\n')) {
    const [id = '', priority, age, fairshare, jobSize, partition, qos, nice, association, site, tres = ''] = line
      .split('|')
      .map((field) => field.trim());
    if (!/^\d+$/.test(id) || parts.has(Number(id))) continue;
    const trackables = tres.split(',').reduce((sum, part) => sum + number(part.split('=')[1]), 0);
    parts.set(Number(id), {
      priority: number(priority),
      age: number(age),
      fairshare: number(fairshare),
      jobSize: number(jobSize),
      partition: number(partition),
      qos: number(qos),
      tres: trackables,
      own: number(association) + number(site) - number(nice),
    });
  }
  return parts;
}

interface Level {
  shares: string;
  share: number;
  children: Level[];
}

/**
 * Users in their accounts from `sshare -alP`, whose account names are indented by one blank a level. Shares are worked out from the raw ones, down
 * the tree: what sshare calls normalized is of the cluster or of the siblings, by the algorithm in force.
 */
export function parseSshare(text: string): ShareView[] {
  const [head = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const names = head.split('|');
  const root: Level = { shares: '1', share: 1, children: [] };
  const path: Level[] = [];
  const users: { level: Level; view: ShareView }[] = [];
  for (const line of lines) {
    const fields = line.split('|');
    const field = (name: string) => (fields[names.indexOf(name)] ?? '').trim();
    const depth = /^ */.exec(line)?.[0].length ?? 0;
    const level: Level = { shares: field('RawShares'), share: 0, children: [] };
    if (depth === 0) {
      path.splice(0, path.length, root);
      continue;
    }
    path.length = Math.min(depth, path.length);
    path.at(-1)?.children.push(level);
    path.push(level);
    if (field('User') === '') continue;
    const view = {
      account: field('Account'),
      user: field('User'),
      billingSeconds: number(field('RawUsage')),
      share: 0,
      use: number(field('NormUsage')),
      factor: number(field('FairShare')),
    };
    users.push({ level, view });
  }
  deal(root);
  return users.map(({ level, view }) => ({ ...view, share: level.share }));
}

/** A child whose shares are `parent` has what its parent has. */
function deal({ share, children }: Level): void {
  const total = children.reduce((sum, { shares }) => sum + number(shares), 0);
  for (const child of children) {
    child.share = child.shares === 'parent' ? share : total === 0 ? 0 : (share * number(child.shares)) / total;
    deal(child);
  }
}

function number(text: string | undefined): number {
  const value = Number(text);
  return text === undefined || text === '' || !Number.isFinite(value) ? 0 : value;
}
