import { expect, it } from 'vitest';
import { JoinedCalls } from './joined-calls.ts';

it('joins what is asked of several tasks of an array at once, and nothing else', async () => {
  const said: string[] = [];
  const calls = new JoinedCalls((verb, address) => {
    said.push(`${verb} ${address}`);
    return address.startsWith('13') ? Promise.reject(new Error('no')) : Promise.resolve();
  });
  let checks = 0;
  const ask = (verb: string, address: string) =>
    calls.ask(verb, address, async () => {
      checks += 1;
      if (address.startsWith('99')) throw new Error('of another');
    });
  const failing = ask('uhold', '13_1');
  const all = ['12_9', '12_3', '7', '12_4'].map((address) => ask('uhold', address));
  all.push(ask('release', '12_3'));
  await expect(failing).rejects.toThrow('no');
  await Promise.all(all);
  expect(said).toEqual(['uhold 7', 'uhold 13_[1]', 'uhold 12_[3-4,9]', 'release 12_[3]']);
  expect(checks).toBe(4);
  await ask('uhold', '12_5');
  expect(said.at(-1)).toBe('uhold 12_[5]');
  for (const address of ['99', '99_1']) await expect(ask('release', address)).rejects.toThrow('of another');
  expect(said.at(-1)).toBe('uhold 12_[5]');
});
