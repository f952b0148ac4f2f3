import { describe, expect, it } from 'vitest';
import { ignoredOf, parse } from './slurm-conf.test-support.ts';
import { parsePolicyFile } from './policy-file.ts';
import { policyYaml } from './policy-text.ts';

const NODES = ['NodeName=a CPUs=64 RealMemory=1000', 'PriorityType=priority/multifactor'];
const conf = (...lines: string[]) => [...NODES, ...lines].join('\n');
const weightsOf = (...lines: string[]) => parse(conf(...lines)).policy.priority?.weights?.tres;

describe('PriorityWeightTRES', () => {
  it('gives CPUs, memory, nodes and GPUs a weight', () => {
    const line = 'PriorityWeightTRES=CPU=1000,Mem=2000,GRES/gpu=4000,Node=500';
    expect(weightsOf('SelectType=select/cons_tres', line)).toEqual({ cpu: 1000, memory: 2000, gpu: 4000, node: 500 });
    expect(weightsOf('SelectType=select/cons_tres', 'PriorityWeightTRES=mem=2048G,cpu=0')).toEqual({ memory: 2 });
    for (const nothing of ['PriorityWeightTRES=(null)', 'PriorityWeightTRES=', 'PriorityWeightAge=1'])
      expect(weightsOf(nothing)).toBeUndefined();
  });

  it('is kept in a policy file', () => {
    const { policy, timing, rules } = parse(conf('PriorityWeightTRES=CPU=7,GRES/gpu=0.5'));
    const file = parsePolicyFile(policyYaml(policy, timing, rules), 'policy.yaml');
    expect(file.options.priority?.weights?.tres).toEqual({ cpu: 7, gpu: 0.5 });
  });

  it('tells what it gives no weight', () => {
    const text = conf(
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core',
      'PriorityWeightTRES=Mem=5,billing=3,cpu=2T',
    );
    expect(ignoredOf(text).filter((told) => told.includes('PriorityWeightTRES'))).toEqual([
      expect.stringContaining('memory is no resource that can run out'),
      expect.stringContaining('PriorityWeightTRES billing'),
      expect.stringContaining('PriorityWeightTRES cpu'),
    ]);
  });
});
