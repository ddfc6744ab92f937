#!/bin/sh
# Writes no outputs: this pack is only ever loaded.
exit 1
