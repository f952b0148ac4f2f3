import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, isErrorCode, OrreryError } from '../contract/errors.ts';
import { describeFailure } from './command-line.ts';

function usageError(...argv: string[]): unknown {
  const program = new Command('orrery')
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeErr: () => {}, writeOut: () => {} });
  program.version('1');
  program.command('job').command('show');
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

describe('describeFailure', () => {
  it('gives every error the documented exit status', () => {
    const statuses = Object.fromEntries(
      Object.keys(ERROR_CODES)
        .filter(isErrorCode)
        .map((code) => [code, describeFailure(new OrreryError(code, 'x'))?.status]),
    );
    expect(statuses).toEqual({
      ORR_INTERNAL: 1,
      ORR_FAILED: 1,
      ORR_STORAGE: 1,
      ORR_PYTHON_MISSING: 1,
      ORR_USAGE: 2,
      ORR_BAD_FILE: 2,
      ORR_BAD_JOB: 2,
      ORR_UNKNOWN_CLUSTER: 2,
      ORR_PORT_IN_USE: 2,
      ORR_NOT_FOUND: 3,
      ORR_REFUSED: 4,
      ORR_CONFLICT: 4,
      ORR_HOME_LOCKED: 4,
      ORR_NEWER_STORE: 4,
      ORR_UNREACHABLE: 5,
      ORR_INTERRUPTED: 130,
    });
  });

  it('says of a group without a command that one is missing', () => {
    const message = 'a command is missing: choose one of those listed';
    expect(describeFailure(usageError('job'))).toEqual({ code: 'ORR_USAGE', message, status: 2 });
  });

  it('takes help and version for no failure', () => {
    expect(describeFailure(usageError('--help'))).toBeNull();
    expect(describeFailure(usageError('--version'))).toBeNull();
  });

  it('says the unexpected in one line too', () => {
    expect(describeFailure(new Error('a\n  b'))).toEqual({ code: 'ORR_INTERNAL', message: 'a b', status: 1 });
    expect(describeFailure('odd')).toEqual({ code: 'ORR_INTERNAL', message: 'odd', status: 1 });
  });
});
