import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../package-folder.ts';

const MAIN = join(packageFolder(), 'src', 'cli', 'main.ts');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-compare-'));
  writeFileSync(join(folder, 'jobs.csv'), 'job,submit_s,nodes,gpus_per_node,runtime_s,limit_s\na,0,1,8,600,1200\n');
  writeFileSync(join(folder, 'few.yaml'), 'title: few\ntrace: jobs.csv\nset: {nodes: 2}\n');
  writeFileSync(join(folder, 'many nodes.yaml'), 'base: ./few.yaml\nset: {nodes: 8}\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `orrery sim compare` of scenarios of one job, as a real process. */
function compare(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8' };
  return new Promise((resolve) => {
    const argv = [MAIN, 'sim', 'compare', ...args];
    execFile(process.execPath, argv, { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('orrery sim compare --report', () => {
  it('writes a page with the document of --json and the command without the names of files it writes', async () => {
    const words = ['few.yaml', 'many nodes.yaml', '--seeds', '2'];
    const first = await compare(...words, '--report', 'a.html', '--json');
    expect([first.status, first.stderr]).toEqual([0, 'wrote a.html\n']);
    const page = readFileSync(join(folder, 'a.html'), 'utf8');
    const [, text = ''] = /id="run">(.*?)<\/script>/s.exec(page) ?? [];
    expect(JSON.parse(text)).toEqual(JSON.parse(first.stdout));
    expect(page).toContain('<code>orrery sim compare few.yaml &#39;many nodes.yaml&#39; --seeds 2</code>');
    expect((await compare(...words, '--report', 'b.html')).stdout).toContain('base: few; one run each');
    expect(readFileSync(join(folder, 'b.html'), 'utf8')).toBe(page);
  });

  it('runs a trace without failures once, however many seeds are asked for, and says what differs and what does not', async () => {
    writeFileSync(join(folder, 'long.csv'), 'job,submit_s,nodes,gpus_per_node,runtime_s\na,0,2,8,600\nb,0,2,8,600\n');
    writeFileSync(join(folder, 'long.yaml'), 'trace: long.csv\nset: {nodes: 2}\n');
    writeFileSync(join(folder, 'short.yaml'), 'base: ./long.yaml\nset: {nodes: 4}\n');
    writeFileSync(join(folder, 'again.yaml'), 'base: ./long.yaml\n');
    const { status, stdout } = await compare('long.yaml', 'short.yaml', 'again.yaml', '--seeds', '5', '--json');
    expect(status).toBe(0);
    const { seeds, isDrawn, variants } = JSON.parse(stdout);
    expect([seeds, isDrawn]).toEqual([[1], false]);
    expect(variants[0].sentences).toContain('adding 2 nodes cuts the mean wait of all jobs from 5 min to 0 s');
    expect(variants[1].sentences).toEqual([]);
    const words = (await compare('long.yaml', 'again.yaml', '--seeds', '1')).stdout;
    expect(words).toContain('no difference: every measure comes out the same');
    expect(words).not.toContain('chance');
  });

  it('refuses in one line what it could not write, before it runs, and leaves nothing behind', async () => {
    const before = readdirSync(folder);
    // A scenario that is not there would be refused next.
    const { status, stdout, stderr } = await compare('none.yaml', 'few.yaml', '--report', 'none/a.html');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe('orrery: report: cannot write none/a.html: no such folder\n');
    expect((await compare('none.yaml', 'few.yaml', '--report', 'ok.html')).status).toBe(2);
    expect(readdirSync(folder)).toEqual(before);
  });
});
