import { describe, expect, it } from 'vitest';
import { submittedEnvironment } from './environment.ts';

describe('submittedEnvironment', () => {
  it('passes on what the user set', () => {
    const env = {
      HOME: '/home/ada',
      LANG: 'C.UTF-8',
      TOKENIZERS_PARALLELISM: 'false',
      KEYMAP: 'us',
      COMPASS: 'n',
      EMPTY: '',
    };
    expect(submittedEnvironment(env)).toEqual({ environment: env, withheld: [] });
  });

  it('withholds variables named like secrets and says which', () => {
    const names = [
      'GITHUB_TOKEN',
      'HF_TOKEN',
      'TOKEN',
      'MY_SECRET',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'GH_PAT',
      'BASIC_AUTH',
      'API_BEARER',
      'DOCKER_AUTH_CONFIG',
      'OPENAI_API_KEY',
      'openai_apikey',
      'PGPASSWORD',
      'DB_PASSWD',
      'MYSQL_PWD',
      'SSH_PASSPHRASE',
      'GOOGLE_APPLICATION_CREDENTIALS',
      'SIGNING_PRIVATE_KEY',
    ];
    const { environment, withheld } = submittedEnvironment(Object.fromEntries(names.map((name) => [name, 'x'])));
    expect(environment).toEqual({});
    expect(withheld).toEqual([...names].sort());
  });

  it('leaves out URLs with a password, whatever they are called', () => {
    const env = { DATABASE: 'postgres://ada:pw@db/x', PLAIN: 'https://ada@db:80/x', SSH_AUTH_SOCK: '/run/agent' };
    const { environment, withheld } = submittedEnvironment(env);
    expect([Object.keys(environment), withheld]).toEqual([['PLAIN', 'SSH_AUTH_SOCK'], ['DATABASE']]);
  });

  it('leaves out what npm added', () => {
    const env = {
      npm_execpath: '/usr/lib/npm',
      npm_config_cache: '/c',
      npm_lifecycle_event: 'start',
      INIT_CWD: '/w',
      NODE: '/n',
      COLOR: '1',
      USER: 'ada',
      PATH: '/w/node_modules/.bin:/node_modules/.bin:/usr/lib/node-gyp-bin:/usr/local/bin:/usr/bin',
    };
    expect(submittedEnvironment(env).environment).toEqual({ USER: 'ada', PATH: '/usr/local/bin:/usr/bin' });
  });

  it("keeps the user's own NODE and COLOR outside npm", () => {
    expect(submittedEnvironment({ NODE: '/n', COLOR: '1' }).environment).toEqual({ NODE: '/n', COLOR: '1' });
  });

  it("leaves out Orrery's own variables and the calling shell's", () => {
    const env = {
      ORRERY_HOME: '/h',
      ORRERY_JOB_ID: '3',
      PWD: '/w',
      OLDPWD: '/',
      _: '/bin/x',
      SHLVL: '2',
      'odd-name': 'x',
    };
    expect(submittedEnvironment(env)).toEqual({ environment: {}, withheld: [] });
  });

  it('keeps functions of bash, as which modules are loaded', () => {
    const env = { 'BASH_FUNC_module%%': '() {  eval `modulecmd bash $*`\n}' };
    expect(submittedEnvironment(env).environment).toEqual(env);
  });
});
