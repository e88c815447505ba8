import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { StartError } from '../start-error.js';
import { inBackground } from './background.js';
import { stackPorts } from './endpoints.js';
import type { StackEngine } from './stack-engine.js';
import { toolPath } from './tools.js';

const { cassandra: port, cassandraStorage: storagePort } = stackPorts;

/** One small node. What is acknowledged is on the disk: writes of 2 ms are synced together. */
export const cassandraSettings = {
  cluster_name: 'heliograph',
  num_tokens: 4,
  auto_bootstrap: false,
  authenticator: 'AllowAllAuthenticator',
  authorizer: 'AllowAllAuthorizer',
  role_manager: 'CassandraRoleManager',
  network_authorizer: 'AllowAllNetworkAuthorizer',
  partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
  endpoint_snitch: 'SimpleSnitch',
  commitlog_sync: 'group',
  commitlog_sync_group_window: '2ms',
  commitlog_segment_size: '16MiB',
  commitlog_total_space: '512MiB',
  commitlog_disk_access_mode: 'legacy',
  memtable_allocation_type: 'offheap_objects',
  memtable_heap_space: '128MiB',
  memtable_offheap_space: '128MiB',
  file_cache_size: '32MiB',
  networking_cache_size: '16MiB',
  key_cache_size: '16MiB',
  row_cache_size: '0MiB',
  counter_cache_size: '0MiB',
  prepared_statements_cache_size: '8MiB',
  disk_access_mode: 'mmap_index_only',
  concurrent_reads: 8,
  concurrent_writes: 16,
  concurrent_counter_writes: 2,
  concurrent_compactors: 1,
  compaction_throughput: '32MiB/s',
  memtable_flush_writers: 1,
  native_transport_max_threads: 16,
  start_native_transport: true,
  auto_snapshot: false,
  snapshot_before_compaction: false,
  hinted_handoff_enabled: false,
  materialized_views_enabled: false,
  user_defined_functions_enabled: false,
  default_compaction: {
    class_name: 'UnifiedCompactionStrategy',
    parameters: { scaling_parameters: 'T4', max_sstables_to_compact: 64, target_sstable_size: '1GiB', min_sstable_size: '100MiB' },
  },
  sstable: { selected_format: 'bti' },
  storage_compatibility_mode: 'NONE',
  uuid_sstable_identifiers_enabled: true,
  write_request_timeout: '5s',
  read_request_timeout: '5s',
} as const;

const logback = `<configuration scan="false">
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} [%thread] %logger{0}:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
  <logger name="org.apache.cassandra.db.ColumnFamilyStore" level="WARN"/>
</configuration>
`;

/** What Cassandra reaches into Java for, as its own start script lists it. */
const exported = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'jdk.unsupported/sun.misc',
  'jdk.attach/sun.tools.attach',
];
const opened = [
  'java.lang.module',
  'jdk.internal.loader',
  'jdk.internal.ref',
  'jdk.internal.reflect',
  'jdk.internal.math',
  'jdk.internal.module',
  'jdk.internal.util.jar',
  'sun.nio.ch',
  'java.io',
  'java.lang',
  'java.lang.reflect',
  'java.util',
  'java.nio',
  'java.util.concurrent',
  'java.util.concurrent.atomic',
].map((name) => `java.base/${name}`);

export const cassandraHeap = '768m';

/** One node needs nobody's consent: it is ready seconds earlier. */
export const cassandraFlags = [
  '-Dcassandra.skip_wait_for_gossip_to_settle=0',
  '-Dcassandra.ring_delay_ms=100',
  '-Dcassandra.load_ring_state=false',
  '-Dcassandra.superuser_setup_delay_ms=0',
];

export const cassandra: StackEngine = {
  name: 'cassandra',
  ports: [port, storagePort],
  prepare: (directory) => {
    const settingsFile = join(directory, 'cassandra.yaml');
    const logbackFile = join(directory, 'logback.xml');
    // YAML takes JSON.
    writeFileSync(settingsFile, JSON.stringify({ ...cassandraSettings, ...placesIn(directory) }, undefined, 2));
    writeFileSync(logbackFile, logback);
    const lib = toolPath('cassandra/lib');
    const java = [
      `-javaagent:${agentIn(lib)}`,
      ...[
        `-Xms${cassandraHeap}`,
        `-Xmx${cassandraHeap}`,
        '-Xss512k',
        '-XX:MaxDirectMemorySize=256m',
        '-XX:+UseSerialGC',
        '-XX:+ExitOnOutOfMemoryError',
      ],
      '-XX:+PerfDisableSharedMem',
      ...exported.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...[...opened, 'jdk.management/com.sun.management.internal'].flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
      ...['-Djdk.attach.allowAttachSelf=true', '-Dio.netty.tryReflectionSetAccessible=true', '-Dio.netty.eventLoopThreads=2'],
      ...[`-Dcassandra.config=file://${settingsFile}`, `-Dcassandra.storagedir=${directory}`, `-Dlogback.configurationFile=file://${logbackFile}`],
      ...[...cassandraFlags, '-Dcassandra-foreground=yes', '-Dcassandra.available_processors=2'],
      ...['-cp', join(lib, '*'), 'org.apache.cassandra.service.CassandraDaemon'],
    ];
    const [command = 'java', ...args] = [...unlocked, ...inBackground, 'java', ...java];
    return { command, args };
  },
  isReady: (output) => output.includes('Starting listening for CQL clients'),
};

/** As root it would lock its whole heap into memory. */
const unlocked = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-ipc_lock'] : [];

function placesIn(directory: string) {
  return {
    data_file_directories: [join(directory, 'data')],
    commitlog_directory: join(directory, 'commitlog'),
    hints_directory: join(directory, 'hints'),
    saved_caches_directory: join(directory, 'saved_caches'),
    cdc_raw_directory: join(directory, 'cdc_raw'),
    seed_provider: [{ class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds: `127.0.0.1:${storagePort}` }] }],
    listen_address: '127.0.0.1',
    rpc_address: '127.0.0.1',
    storage_port: storagePort,
    ssl_storage_port: 0,
    native_transport_port: port,
  };
}

/** Cassandra measures its objects with it. */
function agentIn(lib: string): string {
  const jar = readdirSync(lib).find((name) => name.startsWith('jamm-'));
  if (jar === undefined) throw new StartError(`${lib} has no jamm jar`, 'delete .tools/cassandra and run `npm run stack` again');
  return join(lib, jar);
}
