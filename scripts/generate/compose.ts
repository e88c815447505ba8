import { cassandraFlags, cassandraHeap } from '../../app/stack/cassandra.js';
import { kafkaClusterId, kafkaHeap, kafkaProperties } from '../../app/stack/kafka.js';
import { redisArguments } from '../../app/stack/redis.js';
import { roleProcesses } from '../../app/stack/role-processes.js';
import { seaweedfsFlags } from '../../app/stack/seaweedfs.js';
import { pinnedVersions, type PinnedVersions } from './versions.js';

/** What `npm run stack` does not start, or takes from the operating system. */
const versions = { redis: '7.0.15', haproxy: '2.6', temporal: '1.32.0', temporalUi: '2.54.1', prometheus: 'v3.5.0', grafana: '12.2.0' };

const head = `# Made by \`npm run generate\` from scripts/generate/compose.ts.
#
#   echo "HELIOGRAPH_CLUSTER_SECRET=$(openssl rand -hex 32)" > .env
#   docker compose up --build -d
#
# The messenger is on port 8080, the Temporal Web UI on 8233, Grafana on 3000, Prometheus on 9091, S3 on 8333, all of the loopback address unless HELIOGRAPH_BIND says otherwise.
# One node of each engine: it keeps what it acknowledged through a crash, and is away while it starts again. See docs/operations.md.
name: heliograph

x-role: &role
  image: heliograph
  build: .
  init: true
  restart: unless-stopped
  stop_grace_period: 30s
  healthcheck:
    test: ['CMD', 'node', '-e', "fetch('http://127.0.0.1:9090/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
    interval: 5s
    retries: 24
  depends_on:
    kafka: { condition: service_healthy }
    cassandra: { condition: service_healthy }
    redis: { condition: service_healthy }
    postgres: { condition: service_healthy }
    s3: { condition: service_healthy }
    temporal-namespace: { condition: service_completed_successfully }

x-settings: &settings
  HELIOGRAPH_CLUSTER_SECRET: \${HELIOGRAPH_CLUSTER_SECRET:?at least 32 characters, the same at every start}
  HELIOGRAPH_PUSH_VAPID_PRIVATE_KEY: \${HELIOGRAPH_PUSH_VAPID_PRIVATE_KEY:-}
  HELIOGRAPH_PUSH_VAPID_SUBJECT: \${HELIOGRAPH_PUSH_VAPID_SUBJECT:-mailto:operator@example.org}
  HELIOGRAPH_OPERATOR_TOKEN:
  HELIOGRAPH_KAFKA_BROKERS: kafka:9092
  HELIOGRAPH_KAFKA_REPLICATION: '1'
  HELIOGRAPH_REDIS_URL: redis://redis:6379
  HELIOGRAPH_CASSANDRA_CONTACT_POINTS: cassandra:9042
  HELIOGRAPH_CASSANDRA_REPLICATION: '1'
  HELIOGRAPH_POSTGRES_URL: postgres://heliograph:\${POSTGRES_PASSWORD:-heliograph}@postgres:5432/heliograph
  HELIOGRAPH_TEMPORAL_ADDRESS: temporal:7233
  HELIOGRAPH_S3_URL: http://s3:8333
  HELIOGRAPH_S3_PUBLIC_URL: \${HELIOGRAPH_S3_PUBLIC_URL:-http://127.0.0.1:8333}
  HELIOGRAPH_S3_ACCESS_KEY_ID: \${S3_ACCESS_KEY_ID:-heliograph}
  HELIOGRAPH_S3_SECRET_ACCESS_KEY: \${S3_SECRET_ACCESS_KEY:-heliograph-secret}

`;

const balancer = `  haproxy:
    image: haproxy:${versions.haproxy}
    restart: unless-stopped
    ports: ['\${HELIOGRAPH_BIND:-127.0.0.1}:8080:8080']
    volumes: ['./deploy/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro']
    depends_on:
      gateway-1: { condition: service_healthy }
      gateway-2: { condition: service_healthy }

`;

const temporal = `  temporal-schema:
    image: temporalio/admin-tools:${versions.temporal}
    restart: on-failure
    entrypoint: ['/bin/sh', '/scripts/temporal-schema.sh']
    environment:
      SQL_PASSWORD: \${POSTGRES_PASSWORD:-heliograph}
    volumes: ['./deploy/temporal-schema.sh:/scripts/temporal-schema.sh:ro']
    depends_on:
      postgres: { condition: service_healthy }

  temporal:
    image: temporalio/server:${versions.temporal}
    restart: unless-stopped
    environment:
      DB: postgres12
      DB_PORT: '5432'
      POSTGRES_SEEDS: postgres
      POSTGRES_USER: heliograph
      POSTGRES_PWD: \${POSTGRES_PASSWORD:-heliograph}
      BIND_ON_IP: 0.0.0.0
      NUM_HISTORY_SHARDS: '4'
      DYNAMIC_CONFIG_FILE_PATH: /etc/heliograph/temporal.yaml
    volumes: ['./deploy/temporal.yaml:/etc/heliograph/temporal.yaml:ro']
    depends_on:
      temporal-schema: { condition: service_completed_successfully }
    healthcheck:
      test: nc -z 127.0.0.1 7233
      interval: 5s
      retries: 12
      start_period: 10s

  temporal-namespace:
    image: temporalio/admin-tools:${versions.temporal}
    restart: on-failure
    entrypoint: ['/bin/sh', '-c']
    command: ['temporal operator namespace describe default || temporal operator namespace create default']
    environment:
      TEMPORAL_ADDRESS: temporal:7233
    depends_on:
      temporal: { condition: service_healthy }

  temporal-ui:
    image: temporalio/ui:${versions.temporalUi}
    restart: unless-stopped
    environment:
      TEMPORAL_ADDRESS: temporal:7233
    ports: ['\${HELIOGRAPH_BIND:-127.0.0.1}:8233:8080']
    depends_on:
      temporal: { condition: service_healthy }

`;

const watching = `  prometheus:
    image: prom/prometheus:${versions.prometheus}
    restart: unless-stopped
    ports: ['\${HELIOGRAPH_BIND:-127.0.0.1}:9091:9090']
    volumes:
      - prometheus:/prometheus
      - ./deploy/prometheus.yml:/etc/prometheus/prometheus.yml:ro

  grafana:
    image: grafana/grafana:${versions.grafana}
    restart: unless-stopped
    environment:
      GF_SECURITY_ADMIN_PASSWORD: \${GRAFANA_PASSWORD:-heliograph}
      GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: /etc/heliograph/dashboards/heliograph.json
    ports: ['\${HELIOGRAPH_BIND:-127.0.0.1}:3000:3000']
    volumes:
      - grafana:/var/lib/grafana
      - ./deploy/grafana/data-source.yml:/etc/grafana/provisioning/datasources/heliograph.yml:ro
      - ./deploy/grafana/dashboards.yml:/etc/grafana/provisioning/dashboards/heliograph.yml:ro
      - ./deploy/grafana/heliograph.json:/etc/heliograph/dashboards/heliograph.json:ro
    depends_on:
      prometheus: { condition: service_started }

`;

const volumes = `volumes:
  kafka:
  cassandra:
  postgres:
  s3:
  prometheus:
  grafana:
`;

/** `docker-compose.yml`: the engines at the versions and settings of `npm run stack`, two processes of each role, HAProxy, Prometheus and Grafana. */
export async function renderCompose(): Promise<string> {
  const pinned = await pinnedVersions();
  const services = [...roleProcesses.map(({ name }) => processOf(name)), balancer];
  return `${head}services:\n${services.join('\n')}${logAndRows(pinned)}${otherEngines(pinned)}${temporal}${watching}${volumes}`;
}

function processOf(name: string): string {
  const role = name.replace(/-\d+$/, '');
  return `  ${name}:
    <<: *role
    environment:
      <<: *settings
      HELIOGRAPH_ROLES: ${role}
${role === 'gateway' ? settingsOfGateway(name) : ''}`;
}

function settingsOfGateway(name: string): string {
  return `      HELIOGRAPH_GATEWAY_ID: ${name}
      HELIOGRAPH_LINK_HOST: ${name}
      HELIOGRAPH_TRUSTED_PROXIES: '1'
      HELIOGRAPH_GATEWAY_DRAIN_MS: '10000'
`;
}

function logAndRows({ kafka, cassandra }: PinnedVersions): string {
  return `  kafka:
    image: apache/kafka:${kafka}
    restart: unless-stopped
    environment:
      CLUSTER_ID: ${kafkaClusterId}
      KAFKA_HEAP_OPTS: -Xms${kafkaHeap} -Xmx${kafkaHeap}
      KAFKA_LISTENERS: PLAINTEXT://:9092,CONTROLLER://:9093
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://kafka:9092
      KAFKA_CONTROLLER_QUORUM_VOTERS: 1@kafka:9093
      KAFKA_LOG_DIRS: /var/lib/kafka/data
${Object.entries(kafkaProperties)
  .map(([name, value]) => `      KAFKA_${name.replaceAll('.', '_').toUpperCase()}: '${value}'\n`)
  .join('')}    volumes: ['kafka:/var/lib/kafka/data']
    healthcheck:
      test: /opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server kafka:9092 > /dev/null
      interval: 10s
      timeout: 10s
      retries: 12
      start_period: 20s

  cassandra:
    image: cassandra:${cassandra}
    restart: unless-stopped
    environment:
      MAX_HEAP_SIZE: ${cassandraHeap}
      HEAP_NEWSIZE: 200m
      JVM_EXTRA_OPTS: ${['-Dcassandra.config=file:///etc/heliograph/cassandra.yaml', ...cassandraFlags].join(' ')}
    volumes:
      - cassandra:/var/lib/cassandra
      - ./deploy/cassandra.yaml:/etc/heliograph/cassandra.yaml:ro
    healthcheck:
      test: cqlsh cassandra -e 'SELECT now() FROM system.local'
      interval: 10s
      timeout: 10s
      retries: 18
      start_period: 30s

`;
}

function otherEngines({ postgres, seaweedfs }: PinnedVersions): string {
  return `  redis:
    image: redis:${versions.redis}
    restart: unless-stopped
    command: ${JSON.stringify(['redis-server', ...redisArguments])}
    healthcheck:
      test: redis-cli ping
      interval: 5s

  # Of Heliograph and of Temporal.
  postgres:
    image: postgres:${postgres}
    restart: unless-stopped
    environment:
      POSTGRES_USER: heliograph
      POSTGRES_PASSWORD: \${POSTGRES_PASSWORD:-heliograph}
    volumes: ['postgres:/var/lib/postgresql']
    healthcheck:
      # Over TCP: while the database is being made it listens on its socket alone.
      test: pg_isready -h 127.0.0.1 -U heliograph
      interval: 5s
      retries: 12

  s3:
    image: chrislusf/seaweedfs:${seaweedfs}
    restart: unless-stopped
    command: ${JSON.stringify(['mini', '-dir=/data', '-ip=s3', '-ip.bind=0.0.0.0', '-s3.port=8333', ...seaweedfsFlags])}
    environment:
      AWS_ACCESS_KEY_ID: \${S3_ACCESS_KEY_ID:-heliograph}
      AWS_SECRET_ACCESS_KEY: \${S3_SECRET_ACCESS_KEY:-heliograph-secret}
    ports: ['\${HELIOGRAPH_BIND:-127.0.0.1}:8333:8333']
    volumes: ['s3:/data']
    healthcheck:
      test: wget -q -O /dev/null http://127.0.0.1:8333/healthz
      interval: 5s
      retries: 12

`;
}
