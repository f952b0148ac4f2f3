import { OrreryError } from '../contract/errors.ts';

/** An error that lists nodes lists no more. */
const NAMES_SHOWN_MAX = 8;

/** That no node is called so, with the names there are. Another node whose name is near is none that was meant. */
export function unknownNode(nodeName: string, names: readonly string[]): OrreryError {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(', ');
  const known = names.length > NAMES_SHOWN_MAX ? `${shown}, ...` : shown;
  const same = names.find((name) => bare(name) === bare(nodeName));
  const meant = same === undefined ? '' : `did you mean ${same}? `;
  const hint = /[,[\]]/.test(nodeName) ? 'one node at a time: ' : meant;
  return new OrreryError('ORR_NOT_FOUND', `no node "${nodeName}": ${hint}the nodes are ${known}`);
}

/** `DGX0042.example.org` and `dgx-42` are one. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/\..*$/, '')
    .replaceAll(/[-_]/g, '')
    .replaceAll(/(?<!\d)0+(?=\d)/g, '');
}
