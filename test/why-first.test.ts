import { execFile } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { root } from './support/daemon.ts';

const ENDS: (() => void)[] = [];
afterEach(() => {
  for (const end of ENDS.splice(0)) end();
});

/** A daemon that tells the reason at once, and the forecast when the test lets it: what is to be seen is what `orrery why` prints in between. */
async function slowForecast(): Promise<{ home: string; asked: Promise<ServerResponse> }> {
  const home = mkdtempSync(join(tmpdir(), 'orrery-why-'));
  ENDS.push(() => rmSync(home, { recursive: true, force: true }));
  let ask: (response: ServerResponse) => void;
  const asked = new Promise<ServerResponse>((resolve) => {
    ask = resolve;
  });
  const why = { id: 1, arrayJobId: null, arrayTaskId: null, state: 'PENDING', reason: 'Priority', detail: ['Others.'] };
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.endsWith('/forecast') === true) ask(response);
    else response.end(JSON.stringify({ ...why, expectedStartTime: null }));
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  ENDS.push(() => void server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  writeFileSync(join(home, 'daemon.json'), JSON.stringify({ pid: process.pid, url, home, version: '0', startTime: 0 }));
  writeFileSync(join(home, 'token'), 'token', { mode: 0o600 });
  return { home, asked };
}

describe('orrery why', () => {
  it('prints the reason before the forecast is there', async () => {
    const { home, asked } = await slowForecast();
    const env = { ...process.env, NO_COLOR: '1', ORRERY_HOME: home };
    let stdout = '';
    const child = execFile(process.execPath, [join(root, 'bin', 'orrery.js'), 'why', '1'], { env });
    ENDS.push(() => child.kill('SIGKILL'));
    const ended = new Promise((done) => {
      child.once('close', done);
    });
    const reason = new Promise<void>((done) => {
      child.stdout?.on('data', (text: string) => {
        stdout += text;
        if (stdout.includes('Others.\n')) done();
      });
    });
    const response = await asked;
    await reason;
    expect(stdout).toBe('Job 1 is PENDING (Priority)\n  Others.\n');
    const times = {
      lowTime: 2e9,
      medianTime: 2e9,
      highTime: 2e9,
      startedShare: 1,
      draws: 30,
      horizonTime: 3e9,
      sooner: [],
      historyJobs: 0,
    };
    response.end(JSON.stringify({ id: 1, arrayJobId: null, arrayTaskId: null, ...times }));
    expect(await ended).toBe(0);
    expect(stdout).toMatch(/Others\.\n {2}Forecast: it starts .*, by time limits\.\n$/);
  });
});
