import assert from "node:assert/strict";
import { aCore, CoreNetwork, ELECTION_TICKS } from "./cores.ts";

describe("a Raft election after the leader's connections broke", () => {
  it("comes soon, one voter asking after the other", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1);
    network.isLost = message => message.from === 1 || message.to === 1;
    for (const raftId of [2, 3]) network.core(raftId).disconnected(1);
    assert.deepEqual([network.core(2).leaderId, network.core(3).leaderId], [0, 0]);
    network.tick(1);
    assert.deepEqual(network.leaders(), [1]);
    network.tick(1);
    assert.deepEqual([network.leaders(), network.core(2).term, network.core(3).leaderId], [[1, 2], 2, 2]);
  });

  it("comes soon also when the first voter in order is not there to ask", () => {
    const network = new CoreNetwork([1, 2, 3, 4, 5].map(raftId => aCore({ raftId, voters: [1, 2, 3, 4, 5], draw: raftId })));
    network.elect(1);
    network.isLost = ({ from, to }) => [1, 2].includes(from) || [1, 2].includes(to);
    for (const raftId of [3, 4, 5]) network.core(raftId).disconnected(1);
    network.tick(4);
    assert.deepEqual([network.leaders(), network.core(4).leaderId, network.core(5).leaderId], [[1, 3], 3, 3]);
  });

  it("does not come when the leader is heard again, nor is the next one sooner for it", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1);
    network.core(2).disconnected(1);
    network.tick(1);
    assert.deepEqual([network.core(2).leaderId, network.core(1).term], [1, 1]);
    network.isLost = message => message.from === 1;
    network.tick(ELECTION_TICKS - 1);
    assert.deepEqual([network.core(2).role, network.core(2).term], ["follower", 1]);
  });

  it("is refused to a follower that lost the connection of a leader that the others hear", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1);
    network.isLost = ({ from, to }) => from === 1 && to === 2;
    network.core(2).disconnected(1);
    network.tick(5);
    assert.deepEqual([network.leaders(), network.core(1).term, network.core(3).leaderId], [[1], 1, 1]);
  });

  it("is not for the loss of anybody else, nor on a leader", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1);
    network.core(2).disconnected(3);
    network.core(1).disconnected(1);
    assert.deepEqual([network.core(2).leaderId, network.core(1).role], [1, "leader"]);
  });
});
