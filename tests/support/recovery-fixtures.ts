import type { GatewayRecoveryActivities } from '../../activities/gateway-recovery.js';
import type { HerdState, LostGateway, Recovery } from '../../core/recovery-plan.js';

let gateways = 0;

/** One that no other test of the process lost. */
export function newRecovery(patienceMs = 60_000): Recovery {
  gateways += 1;
  return { gatewayId: `gateway-${gateways}`, leaseEpoch: Date.now(), lastSeenAtMs: 1_700_000_000_000, patienceMs };
}

/** Of a gateway with 2,300 devices, of which 200 are back when it begins; then those that the script tells, one answer after the other, the last for ever. */
export function scriptedRecovery(watched: readonly (HerdState | Error)[]) {
  const asked: string[] = [];
  const gatewaysAsked: LostGateway[] = [];
  const pages = [{ away: 800, after: { accountId: '01a214f2-eaa7-7039-8f8c-513da5b2153e', deviceId: 1 } }, { away: 1_300 }] as const;
  let watches = 0;
  let left = 0;
  const note = (what: string, gateway: LostGateway) => {
    asked.push(what);
    gatewaysAsked.push(gateway);
  };
  const activities: GatewayRecoveryActivities = {
    countOrphans: (gateway) => {
      note('count', gateway);
      return Promise.resolve(2_300);
    },
    correctOrphans: (gateway, { after }) => {
      note(after === undefined ? 'correct the first page' : 'correct the second page', gateway);
      return Promise.resolve((after === undefined ? pages[0] : pages[1]) as Awaited<ReturnType<GatewayRecoveryActivities['correctOrphans']>>);
    },
    watchReturns: (gateway) => {
      note('watch', gateway);
      watches += 1;
      const answer = watched[Math.min(watches, watched.length) - 1];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('nothing to answer');
      left = answer.away;
      return Promise.resolve(answer);
    },
    wakeOrphans: (gateway) => {
      note('wake', gateway);
      return Promise.resolve({ away: left });
    },
    endRecovery: (gateway) => {
      note('end', gateway);
      return Promise.resolve();
    },
  };
  return { activities, asked, gatewaysAsked };
}
