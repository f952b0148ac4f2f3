import { describe, expect, it } from 'vitest';
import { Random } from '../lib/random.ts';
import { LemonHistory } from './lemon-history.ts';

describe('the history of a node', () => {
  it('is that of a plain list of all that happened, whatever the days between, late news included', () => {
    const random = new Random(5);
    const draw = (below: number) => Math.floor(random.nextUniform() * below);
    const windowDays = 5;
    const history = new LemonHistory(windowDays, 0);
    const outs: number[] = [];
    const xids: { xid: number; day: number }[] = [];
    let today = 0;
    for (let step = 0; step < 2000; step++) {
      today += draw(3) === 0 ? draw(9) : 0;
      const day = Math.max(0, today - draw(8));
      if (draw(2) === 0) {
        history.moveTo(today);
        history.count('outs', day);
        if (day > today - windowDays) outs.push(day);
      } else {
        const xid = draw(6);
        history.moveTo(today);
        history.seeXid(xid, day);
        xids.push({ xid, day });
      }
      history.moveTo(today);
      expect(history.value('out_count')).toBe(outs.filter((each) => each > today - windowDays).length);
      const seen = xids.filter((each) => each.day > today - windowDays).map(({ xid: each }) => each);
      expect(history.value('xid_cnt')).toBe(new Set(seen).size);
    }
    expect(today).toBeGreaterThan(1000);
  });

  it('has no failure rate before two failures', () => {
    const history = new LemonHistory(28, 0);
    history.count('singleNodeEnds', 1);
    history.count('singleNodeFails', 1);
    expect(history.value('single_node_node_failure_rate')).toBe(0);
    for (let job = 0; job < 3; job++) history.count('singleNodeEnds', 2);
    history.count('singleNodeFails', 2);
    expect(history.value('single_node_node_failure_rate')).toBe(0.5);
  });

  it('counts days before the origin too', () => {
    const history = new LemonHistory(3, -10);
    history.count('outs', -10);
    history.count('outs', -9);
    expect(history.value('out_count')).toBe(2);
    history.moveTo(-7);
    expect(history.value('out_count')).toBe(1);
    history.moveTo(1);
    expect(history.value('out_count')).toBe(0);
  });
});
