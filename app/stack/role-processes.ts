import { fileURLToPath } from 'node:url';

import { answersOk } from '../engines/answers-ok.js';
import { stackCredentials, stackEndpoints, stackPorts } from './endpoints.js';
import type { StackEngine } from './stack-engine.js';

/** For machines of developers: anybody may know them. */
const clusterSecret = 'the secret of a stack on a machine of a developer';
const vapidPrivateKey = 'aGVsaW9ncmFwaCBzdGFjayBvZiBhIGRldmVsb3Blci4';
const operatorToken = 'operator-of-a-stack';
const { gateways, pipelines, temporalWorkers } = stackPorts;

/** Where a role is reached; a gateway also has a public port and one for links. */
export interface RolePorts {
  readonly admin: number;
  readonly public?: number;
  readonly link?: number;
}

/** Two processes of each role. */
export const roleProcesses: readonly StackEngine[] = [
  ...gateways.map((ports, index) => roleProcess('gateway', index, ports)),
  ...pipelines.map((ports, index) => roleProcess('pipeline', index, ports)),
  ...temporalWorkers.map((ports, index) => roleProcess('temporal-worker', index, ports)),
];

/** What a process of the distributed profile on the engines of the stack is told, beside its role and ports. */
export const stackSettings: Readonly<Record<string, string>> = {
  HELIOGRAPH_PROFILE: 'distributed',
  HELIOGRAPH_CLUSTER_SECRET: clusterSecret,
  HELIOGRAPH_PUSH_VAPID_PRIVATE_KEY: vapidPrivateKey,
  HELIOGRAPH_OPERATOR_TOKEN: operatorToken,
  HELIOGRAPH_KAFKA_BROKERS: stackEndpoints.kafkaBrokers.join(','),
  HELIOGRAPH_KAFKA_REPLICATION: '1',
  HELIOGRAPH_REDIS_URL: stackEndpoints.redisUrl,
  HELIOGRAPH_CASSANDRA_CONTACT_POINTS: stackEndpoints.cassandraContactPoints.join(','),
  HELIOGRAPH_CASSANDRA_DATACENTER: stackEndpoints.cassandraDatacenter,
  HELIOGRAPH_CASSANDRA_REPLICATION: '1',
  HELIOGRAPH_POSTGRES_URL: stackEndpoints.postgresUrl,
  HELIOGRAPH_S3_URL: stackEndpoints.s3Url,
  HELIOGRAPH_S3_ACCESS_KEY_ID: stackCredentials.s3.accessKeyId,
  HELIOGRAPH_S3_SECRET_ACCESS_KEY: stackCredentials.s3.secretAccessKey,
  HELIOGRAPH_TEMPORAL_ADDRESS: stackEndpoints.temporalAddress,
  HELIOGRAPH_GATEWAY_DRAIN_MS: '2000',
};

function roleProcess(role: string, index: number, ports: RolePorts): StackEngine {
  const name = `${role}-${index + 1}`;
  return {
    name,
    ports: [ports.public ?? ports.admin, ports.admin, ...(ports.link === undefined ? [] : [ports.link])],
    prepare: () => ({
      command: process.execPath,
      args: [fileURLToPath(new URL('../../workers/all-in-one.js', import.meta.url))],
      environment: {
        ...stackSettings,
        HELIOGRAPH_ROLES: role,
        HELIOGRAPH_ADMIN_PORT: String(ports.admin),
        // HAProxy is in front.
        HELIOGRAPH_TRUSTED_PROXIES: '1',
        ...(ports.public === undefined
          ? {}
          : { HELIOGRAPH_GATEWAY_ID: name, HELIOGRAPH_PORT: String(ports.public), HELIOGRAPH_LINK_PORT: String(ports.link) }),
      },
    }),
    isReady: () => answersOk(`http://127.0.0.1:${ports.admin}/readyz`),
  };
}
