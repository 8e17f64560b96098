#!/usr/bin/env node
import { kvutlProgram } from './kvutl-program.ts';
import { runOnNode } from './node-host.ts';

void runOnNode(kvutlProgram);
