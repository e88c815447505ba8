export interface GatewayAddress {
  readonly gatewayId: string;
  /** Where its link listens: `ws://host:port`. */
  readonly url: string;
}

/**
 * Where the links of all gateways listen, for whoever has to reach them. An announcement holds for 15 s.
 * Throws DomainError `unavailable` when the store is away.
 */
export interface GatewayAddresses {
  announce(address: GatewayAddress): Promise<void>;
  withdraw(gatewayId: string): Promise<void>;
  list(): Promise<readonly GatewayAddress[]>;
}
