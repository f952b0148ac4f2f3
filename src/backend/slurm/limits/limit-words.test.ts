import { describe, expect, it } from 'vitest';
import { limitWords } from './limit-words.ts';

const words = (reason: string) => limitWords({ reason, qos: 'high', account: 'vision' });

describe('limitWords', () => {
  it.each([
    ['QOSMaxJobsPerUserLimit', 'Its user has what QOS high or that of its partition gives one user in jobs'],
    ['QOSMaxGRESPerUser', 'Its user has what QOS high or that of its partition gives one user in GPUs or other GRES'],
    ['MaxJobsPerAccount', 'Its account has what QOS high or that of its partition gives one account in jobs'],
    [
      'MaxGRESPerAccount',
      'Its account has what QOS high or that of its partition gives one account in GPUs or other GRES',
    ],
    ['AssocMaxJobsLimit', 'Its user has what account vision or one above it gives one user in jobs'],
    ['AssocMaxSubmitJobLimit', 'Its user has what account vision or one above it gives one user in jobs in the queue'],
    ['AssocGrpGRES', 'All jobs of account vision or one above it together have what they may in GPUs or other GRES'],
    ['AssocGrpCpuLimit', 'All jobs of account vision or one above it together have what they may in CPUs'],
    [
      'AssocGrpCPUMinutesLimit',
      'All jobs of account vision or one above it together have what they may in minutes of CPUs',
    ],
    [
      'QOSGrpNodeRunMinutes',
      'All jobs of QOS high or that of its partition together have what they may in minutes of nodes promised to what runs',
    ],
    [
      'QOSGrpWallLimit',
      'All jobs of QOS high or that of its partition together have what they may in time on the clock',
    ],
    [
      'QOSMaxWallDurationPerJobLimit',
      'It asks for more than QOS high or that of its partition gives one job in time on the clock',
    ],
    ['AssocMaxNodePerJobLimit', 'It asks for more than account vision or one above it gives one job in nodes'],
    [
      'QOSMaxMemoryPerNode',
      'It asks for more than QOS high or that of its partition gives one job on a node in memory',
    ],
    [
      'QOSMaxCpuMinutesPerJobLimit',
      'It asks for more than QOS high or that of its partition gives one job in minutes of CPUs',
    ],
    ['QOSMinGRES', 'It asks for less than QOS high or that of its partition takes in GPUs or other GRES'],
    ['QOSMinCpuNotSatisfied', 'It asks for less than QOS high or that of its partition takes in CPUs'],
  ])('tells %s', (reason, sentence) => {
    const command = sentence.includes('QOS') ? 'sacctmgr show qos high' : 'sacctmgr show assoc tree';
    expect(words(reason)).toBe(`${sentence}: ${command} shows the limit.`);
  });

  it.each([
    'Priority',
    'Resources',
    'QOSNotAllowed',
    'QOSUsageThreshold',
    'JobHeldUser',
    'PartitionTimeLimit',
    'MaxMemPerLimit',
    '',
  ])('is null for %s, which is none of them', (reason) => expect(words(reason)).toBeNull());
});
