import { OrreryError } from '../contract/errors.ts';
import { parseSlurmConf, type SlurmTexts } from './slurm-conf.ts';

export function parse(text: string, others: Partial<SlurmTexts> = {}) {
  return parseSlurmConf({ conf: { name: 'slurm.conf', text }, ...others });
}

export function ignoredOf(text: string, others: Partial<SlurmTexts> = {}): string[] {
  return parse(text, others).ignored.map(({ file, line, key, reason }) => `${file}:${line} ${key}: ${reason}`);
}

export function errorOf(text: string, others: Partial<SlurmTexts> = {}): string {
  try {
    parse(text, others);
  } catch (error) {
    if (error instanceof OrreryError && error.code === 'ORR_BAD_FILE') return error.message;
    throw error;
  }
  return 'no error';
}

export const NODES = 'NodeName=n[1-4] CPUs=64 RealMemory=1000 Gres=gpu:a100:8\n';
