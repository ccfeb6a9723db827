/** Inside a container: what it asks 127.0.0.11 comes to the engine's ports, where it is answered. */
export const nameServerRules = (udpPort: number, tcpPort: number): string => `table ip shoal_dns
delete table ip shoal_dns
table ip shoal_dns {
  chain c_out { type nat hook output priority -101;
    ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:${udpPort}
    ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:${tcpPort}
  }
}
`;
