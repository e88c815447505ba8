import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

/** What happens on the links between pipelines, workers and gateways. */
export interface LinkEvents {
  opened(gatewayId: string): void;
  lost(gatewayId: string, why: string): void;
  /** Somebody came without a token of the shared secret. */
  refused(gatewayId: string): void;
}

export function createLinkEvents(logger: Logger, registry: Registry): LinkEvents {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `heliograph_link_${name}_total`, help, labelNames: ['gateway'], registers });
  const opened = counter('opened', 'Links to gateways that were opened.');
  const lost = counter('lost', 'Links to gateways that broke.');
  const refused = counter('refused', 'Callers that were refused because they do not know the shared secret.');
  return {
    opened: (gateway) => {
      opened.inc({ gateway });
      logger.info({ gateway }, 'link to gateway opened');
    },
    lost: (gateway, why) => {
      lost.inc({ gateway });
      logger.warn({ gateway, why }, 'link to gateway lost');
    },
    refused: (gateway) => {
      refused.inc({ gateway });
      logger.warn({ gateway }, 'a caller without the shared secret was refused');
    },
  };
}
