import { describe, expect, it } from 'vitest';
import { unknownNode } from './unknown-node.ts';

describe('a node that is not there', () => {
  const names = Array.from({ length: 12 }, (_, index) => `dgx-00${String(index + 1).padStart(2, '0')}`);
  const first = names.slice(0, 8).join(', ');

  it.each([
    ['DGX-0011', `no node "DGX-0011": did you mean dgx-0011? the nodes are ${first}, ...`],
    ['dgx11', `no node "dgx11": did you mean dgx-0011? the nodes are ${first}, ...`],
    ['dgx-0011.example.org', `no node "dgx-0011.example.org": did you mean dgx-0011? the nodes are ${first}, ...`],
    // Next to it is another machine.
    ['dgx-0013', `no node "dgx-0013": the nodes are ${first}, ...`],
    ['dgx-[0001-0002]', `no node "dgx-[0001-0002]": one node at a time: the nodes are ${first}, ...`],
  ])('%s is told with those that are', (name, message) => {
    expect(unknownNode(name, names)).toMatchObject({ code: 'ORR_NOT_FOUND', message });
  });
});
