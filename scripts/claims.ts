import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../src/cli/package-folder.ts';
import { claimsPage } from './claims-page.ts';

writeFileSync(join(packageFolder(), 'docs', 'claims.md'), await claimsPage());
