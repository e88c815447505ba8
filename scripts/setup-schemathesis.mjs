import { join } from 'node:path';

import { installWheels } from './install-wheels.mjs';

/** What checks the REST edge against its OpenAPI document, in `.tools/schemathesis`. */
export async function setUpSchemathesis(root) {
  await installWheels({
    label: 'Schemathesis',
    note: 'what checks REST against its OpenAPI document (pip, about 25 MB)',
    requirements: join(root, 'scripts', 'schemathesis-requirements.txt'),
    target: join(root, '.tools', 'schemathesis'),
    remedy: 'or run the suites that do not need it: npx jest --testPathIgnorePatterns openapi',
  });
}
