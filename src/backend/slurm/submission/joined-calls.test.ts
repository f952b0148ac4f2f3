import { expect, it } from 'vitest';
import { JoinedCalls } from './joined-calls.ts';

it('joins what is asked of several tasks of an array at once, and nothing else', async () => {
  const said: string[] = [];
  const calls = new JoinedCalls((verb, address) => {
    said.push(`${verb} ${address}`);
    return address.startsWith('13') ? Promise.reject(new Error('no')) : Promise.resolve();
  });
  const failing = calls.ask('uhold', '13_1');
  const all = ['12_9', '12_3', '7', '12_4'].map((address) => calls.ask('uhold', address));
  all.push(calls.ask('release', '12_3'));
  await expect(failing).rejects.toThrow('no');
  await Promise.all(all);
  expect(said).toEqual(['uhold 7', 'uhold 13_[1]', 'uhold 12_[3-4,9]', 'release 12_[3]']);
  await calls.ask('uhold', '12_5');
  expect(said.at(-1)).toBe('uhold 12_[5]');
});
