#!/usr/bin/env python3
"""A small simulator as a game that harsanyi can ask: who made the price swing, and when?

    harsanyi index --game "exec:python3 scripts/example_game.py --agents 3 --steps 4"

AGENTS traders act at STEPS steps; the players are their actions, AGENTS x STEPS of them. v(S) is the risk at the end of the
run, an exponentially weighted mean of squared price changes, when the run is played again with the actions of S and with
waiting in place of every other action. Only the standard library is used.

The whole protocol is in `main`: read the first line for the seed, print who the players are, then answer every request with
the values of its coalitions. What is drawn at random is drawn from the seed before the first request, so that v depends on
the coalition alone.
"""

import argparse
import json
import random
import sys

MEMORY = 0.94  # of the running mean of squared price changes
HERDING = 0.5  # how much a price that is already off draws others along


def drawn(agents, steps, seed):
    """The logged run: for each step and agent what it did and by how much it pushes the price."""
    actions = []
    for step in range(steps):
        for agent in range(agents):
            draw = random.Random(f"{seed}/{agent}/{step}")
            behaviour = draw.choice(["buy", "sell", "panic"])
            size = draw.uniform(0.5, 1.5) * {"buy": 1.0, "sell": -1.0, "panic": -3.0}[behaviour]
            actions.append((f"agent {agent}", step, behaviour, size))
    return actions


def risk(actions, present, steps):
    """The risk at the end of a run in which only the actions in `present` take place."""
    price, mean = 0.0, 0.0
    for now in range(steps):
        push = sum(size for player, (_, step, _, size) in enumerate(actions) if step == now and player in present)
        change = push * (1.0 + HERDING * abs(price))
        price += change
        mean = MEMORY * mean + (1.0 - MEMORY) * change * change
    return mean


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()

    seed = json.loads(sys.stdin.readline())["seed"]
    actions = drawn(options.agents, options.steps, seed)
    players = {
        "players": [f"{agent}, step {step}: {behaviour}" for agent, step, behaviour, _ in actions],
        "groups": {
            "agent": [agent for agent, _, _, _ in actions],
            "time": [step for _, step, _, _ in actions],
            "behaviour": [behaviour for _, _, behaviour, _ in actions],
        },
    }
    print(json.dumps(players), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        values = [risk(actions, set(players), options.steps) for players in request["coalitions"]]
        print(json.dumps({"id": request["id"], "values": values}), flush=True)


if __name__ == "__main__":
    main()
