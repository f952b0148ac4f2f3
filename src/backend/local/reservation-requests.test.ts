import { describe, expect, it } from 'vitest';
import type { NodeReservation } from '../../scheduler/policy.ts';
import { ReservationRequests } from './reservation-requests.ts';

const reservation = (fields: Partial<NodeReservation> = {}): NodeReservation => ({
  name: 'school',
  nodes: ['n1', 'n2'],
  startMs: 100,
  endMs: 200,
  users: ['alice'],
  accounts: [],
  ...fields,
});

/** With one reservation that jobs 4 and 5 name or none do; each request waits for `written`. */
function requests({ jobIds = [] as number[], written = Promise.resolve() } = {}) {
  const told: string[] = [];
  const made = new ReservationRequests({
    scheduler: { reservations: () => [reservation()], jobsIn: () => jobIds },
    request: async ({ kind }) => {
      told.push(kind);
      await written;
    },
    now: () => 0,
  });
  return { made, told };
}

describe('a reservation that is asked for', () => {
  it.each([
    ['of other nodes', { nodes: ['n3'] }],
    ['that begins when the other ends', { startMs: 200, endMs: 300 }],
    ['that ends when the other begins', { startMs: 0, endMs: 100 }],
  ])('%s is made', async (_, fields) => {
    const { made, told } = requests();
    await made.create(reservation({ name: 'exam', ...fields }));
    expect(told).toEqual(['ReservationCreated']);
  });

  it.each([
    ['of its name', { name: 'school', nodes: ['n3'] }, 'reservation school: there is one of that name'],
    ['of its nodes then', { name: 'exam', startMs: 199 }, 'reservation exam: reservation school has some of the nodes'],
  ])('is refused where there is one %s', async (_, fields, message) => {
    const { made, told } = requests();
    await expect(made.create(reservation(fields))).rejects.toThrow(message);
    expect(told).toEqual([]);
  });

  it('waits for nobody: while another is on its way it is refused', async () => {
    let write = () => {};
    const written = new Promise<void>((resolve) => {
      write = resolve;
    });
    const { made } = requests({ written });
    const first = made.create(reservation({ name: 'exam', nodes: ['n3'] }));
    await expect(made.create(reservation({ name: 'exam', nodes: ['n4'] }))).rejects.toThrow('another one is being');
    write();
    await first;
    await made.create(reservation({ name: 'later', nodes: ['n4'] }));
  });
});

describe('a reservation that is to go', () => {
  it('goes, unless there is none or a job names it', async () => {
    const { made, told } = requests();
    await made.delete('school');
    expect(told).toEqual(['ReservationDeleted']);
    await expect(made.delete('exam')).rejects.toThrow('no reservation "exam"');
    await expect(requests({ jobIds: [4, 5] }).made.delete('school')).rejects.toThrow('in use: job 4 names it');
  });
});
