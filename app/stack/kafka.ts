import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { stackPorts } from './endpoints.js';
import type { StackEngine } from './stack-engine.js';
import { toolPath } from './tools.js';

const { kafka: port, kafkaController: controllerPort } = stackPorts;
export const kafkaClusterId = 'aGVsaW9ncmFwaC1zdGFjaw';

/** One broker that is its own controller. */
export const kafkaProperties = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'auto.create.topics.enable': 'false',
  'default.replication.factor': '1',
  'min.insync.replicas': '1',
  'log.message.timestamp.type': 'LogAppendTime',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '2',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  // A pipeline that died is replaced after the session time-out; one that leaves, with the next heartbeat.
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': '4000',
  'group.consumer.min.heartbeat.interval.ms': '100',
  'group.consumer.heartbeat.interval.ms': '400',
  // For few cores: more threads wake each other more often than they help.
  'num.network.threads': '1',
  'num.io.threads': '2',
  'log.segment.bytes': '67108864',
  'log.cleaner.dedupe.buffer.size': '8388608',
  'socket.request.max.bytes': '10485760',
  // A broker that was killed may come back at once.
  'broker.session.timeout.ms': '2000',
  'broker.heartbeat.interval.ms': '500',
} as const;

export const kafkaHeap = '384m';

const log4j = `rootLogger.level=WARN
rootLogger.appenderRef.stdout.ref=STDOUT
appender.stdout.type=Console
appender.stdout.name=STDOUT
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=[%d] %p %m (%c)%n
logger.server.name=kafka.server
logger.server.level=INFO
`;

export const kafka: StackEngine = {
  name: 'kafka',
  ports: [port, controllerPort],
  prepare: (directory) => {
    const properties = join(directory, 'server.properties');
    const placed = {
      ...kafkaProperties,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'log.dirs': join(directory, 'data'),
    };
    writeFileSync(properties, lines(placed));
    writeFileSync(join(directory, 'log4j2.properties'), log4j);
    const java = [`-Dlog4j2.configurationFile=${join(directory, 'log4j2.properties')}`, '-XX:+UseSerialGC', '-XX:+PerfDisableSharedMem'];
    const classPath = ['-cp', join(toolPath('kafka/lib'), '*')];
    if (!existsSync(join(directory, 'data', 'meta.properties'))) {
      const format = ['kafka.tools.StorageTool', 'format', '-t', kafkaClusterId, '-c', properties];
      execFileSync('java', ['-Xmx128m', '-XX:TieredStopAtLevel=1', ...java, ...classPath, ...format], { stdio: ['ignore', 'ignore', 'pipe'] });
    }
    const heap = [`-Xms${kafkaHeap}`, `-Xmx${kafkaHeap}`, '-Xss512k', '-XX:+ExitOnOutOfMemoryError'];
    return { command: 'java', args: [...heap, ...java, ...classPath, 'kafka.Kafka', properties] };
  },
  isReady: (output) => output.includes('Kafka Server started'),
};

function lines(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
