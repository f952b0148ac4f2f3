import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with what was skipped and why, and one plain line of counts. */
export default class ClosingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const results = tests.map((test) => ({ test, result: test.result() }));
    const count = (state: string) => results.filter(({ result }) => result.state === state).length;
    const skipped = results.filter(({ result }) => result.state === 'skipped');
    if (skipped.length > 0) process.stdout.write('\nSkipped:\n');
    for (const { test, result } of skipped) {
      const note = result.state === 'skipped' ? result.note : undefined;
      process.stdout.write(`  ${test.module.relativeModuleId} > ${test.fullName}: ${note ?? 'no reason given'}\n`);
    }
    const brokenModules = modules.filter((module) => module.errors().length > 0).length;
    process.stdout.write(
      `\n${count('passed')} passed, ${count('failed') + brokenModules} failed, ${skipped.length} skipped\n`,
    );
  }
}
