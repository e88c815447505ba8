/** `npm run generate`: writes the documents that are made from code. With `--check` it writes nothing and fails when one is out of date. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { format, getFileInfo, resolveConfig } from 'prettier';

import { renderConfigurationDoc } from '../app/config/render-configuration-doc.js';
import { createAsyncApi } from '../gateway/rest/asyncapi.js';
import { createOpenApi } from '../gateway/rest/openapi.js';
import { renderCompose } from './generate/compose.js';
import { renderDashboard } from './generate/dashboard.js';
import { renderCassandraSettings, renderHaproxy, renderPrometheus } from './generate/deployment.js';
import { fillSections } from './generate/fill-sections.js';
import { renderCloseCodes, renderErrors, renderEvents, renderLimits, renderRateLimits } from './generate/protocol-tables.js';

const root = resolve(import.meta.dirname, '..');
const read = (path: string): Promise<string> => readFile(resolve(root, path), 'utf8');

const documents: readonly { readonly path: string; readonly render: () => string | Promise<string> }[] = [
  { path: 'docs/configuration.md', render: renderConfigurationDoc },
  { path: 'docs/openapi.json', render: () => JSON.stringify(createOpenApi()) },
  { path: 'docs/asyncapi.json', render: () => JSON.stringify(createAsyncApi()) },
  {
    path: 'docs/protocol.md',
    render: async () =>
      fillSections(await read('docs/protocol.md'), {
        'close-codes': renderCloseCodes(),
        errors: renderErrors(),
        events: renderEvents(),
        limits: renderLimits(),
        'rate-limits': renderRateLimits(),
      }),
  },
  { path: 'docker-compose.yml', render: renderCompose },
  { path: 'deploy/cassandra.yaml', render: renderCassandraSettings },
  { path: 'deploy/haproxy.cfg', render: renderHaproxy },
  { path: 'deploy/prometheus.yml', render: renderPrometheus },
  { path: 'deploy/grafana/heliograph.json', render: renderDashboard },
  {
    path: 'README.md',
    render: async () => fillSections(await read('README.md'), { bot: `\`\`\`ts\n${await read('examples/echo-bot.ts')}\`\`\`` }),
  },
];

async function currentText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** As prettier would, if it knows the kind of file. */
async function formatted(file: string, text: string): Promise<string> {
  const { inferredParser } = await getFileInfo(file);
  return inferredParser === null ? text : format(text, { ...(await resolveConfig(file)), filepath: file });
}

const check = process.argv.includes('--check');
for (const { path, render } of documents) {
  const file = resolve(root, path);
  const text = await formatted(file, await render());
  if ((await currentText(file)) === text) continue;
  if (check) {
    console.error(`${path} is out of date: run \`npm run generate\` and commit it.`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    console.log(`${path} written`);
  }
}
