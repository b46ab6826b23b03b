# Array declarations as Stan spells them since 2.26: `real y[J];` becomes `array[J] real y;`.
s/^( *)((int|real)(<[^>]*>)?) ([A-Za-z_0-9]+)\[([^]]*)\];/\1array[\6] \2 \5;/
