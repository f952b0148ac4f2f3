import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname } from 'node:path';
import { z } from 'zod';
import { definite } from '../lib/assert.ts';

const manifest = definite(findPackageJSON(import.meta.url), 'the package has a package.json');

/** Where package.json and the catalogue are: the same from the sources and from the bundle. */
export const packageFolder = dirname(manifest);

export const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')));
