/** What an expression of Prometheus reads. */
export interface Reading {
  /** Names of series, with `_bucket` and the like. */
  metrics: string[];
  /** Labels that are chosen by or grouped by. */
  labels: string[];
}

const WORDS = new Set([
  'and',
  'or',
  'unless',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'offset',
  'bool',
  'by',
  'without',
]);

/** For tests: takes an expression apart, as far as the rules and dashboards here go. Whatever is no function, word or label is a metric. */
export function readPromql(expr: string): Reading {
  const labels: string[] = [];
  const rest = expr
    .replaceAll(/\{([^}]*)\}/g, (_, matchers: string) => {
      for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"/g)) labels.push(label);
      return '';
    })
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g, (_, names: string) => {
      labels.push(...names.split(',').map((name) => name.trim()));
      return '';
    })
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/"[^"]*"/g, '');
  const metrics = [...rest.matchAll(/(?<![\w.])[a-zA-Z_]\w*(?!\w|\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !WORDS.has(name));
  return { metrics, labels };
}
