// The surface of Borel.
//
// Every decision is made by the next token alone, so that the parser never simulates the grammar at
// run time: keep it so. Three things are therefore done beside the grammar, in compiler/syntax:
//  - lines (layout.h): between lexer and parser, a newline that ends a statement becomes a SEP
//    token, one SEP stands before every '}' and before the end of the file, runs of SEP are one,
//    and a comma before a closing bracket is dropped. A newline ends a statement unless it is inside
//    ( ) or [ ], or follows an operator, ',', '=', '~' or an opening bracket, or stands before the
//    'else' or the '{' of a block that the line before leads up to. Also there: `t.0`, `1.`, and keywords that are
//    names where they cannot be keywords.
//  - precedence (operators.h): `operation` is a flat list of operands and operators.
//  - what an assignment may assign to, ranges and types in detail (build_*.cpp).
grammar Borel;

file : (declaration SEP)* EOF ;

// ------------------------------------------------------------------ declarations

declaration : function | structure ;

function
  : RANDOM? kind=(DEF | MODEL | INFER) name parameters? (':' type)? (block | '=' expression)
  ;

structure : STRUCT name '{' (field (',' field)*)? SEP? '}' ;
field : name ':' type ;

parameters : '(' (parameter (',' parameter)*)? ')' ;
parameter : name (':' type)? ('=' expression)? ;

type
  : '(' type (',' type)+ ')'
  | NAME ('(' arguments ')')? sizes* (FROM INT)?
  ;
sizes : '[' expression (',' expression)* ']' ;

// ------------------------------------------------------------------ statements

block : '{' (statement SEP)* '}' ;

statement : let | variable | branch | forLoop | whileLoop | returned | simple ;

let : LET pattern (':' type)? ('=' expression | '~' expression (BY expression)?) ;
variable : VAR name (':' type)? ('=' expression)? ;
branch : IF expression block (ELSE (branch | block))? ;
forLoop : FOR name IN range block ;
whileLoop : WHILE expression block ;
returned : RETURN expression ;
simple
  : expression
    ( op=('=' | '+=' | '-=' | '*=' | '/=' | ':=') expression
    | (':' type)? '~' expression (BY expression)?
    )?
  ;

pattern : name | '(' name (',' name)+ ')' ;

// ------------------------------------------------------------------ expressions

expression : lambda | conditional (THEN conditional)* ;

lambda : FN (name | parameters) ('=>' expression | block) ;

conditional : operation ('?' conditional ':' conditional)? ;

operation : operand (infix operand)* ;

infix
  : '||' | '&&' | '==' | '!=' | '<' | '<=' | '>' | '>='
  | '|' | WITH | '+' | '-' | '*' | '/' | '%' | '.*' | './' | '^'
  ;

operand : prefix+=('-' | '+' | '!')* primary suffix* ;

suffix
  : '(' arguments ')'
  | '[' index (',' index)* ']'
  | '.' (NAME | INT)
  ;

primary
  : INT
  | REAL
  | STRING
  | TRUE
  | FALSE
  | name
  | '(' (expression (',' expression)*)? ')'
  | '[' (expression (FOR generator (',' generator)* | (',' expression)*))? ']'
  | '{' (item (',' item)*)? SEP? '}'
  | MACHINE members
  | DISTRIBUTION members
  | SUPPORT members
  | EXPECT block
  ;

arguments : (argument (',' argument)*)? ;
argument : expression ('=' expression)? ;
generator : name IN range ;
item : name ('.' name)* ('=' expression)? ;
range : expression ('..' expression)? ;
index : '..' expression? | expression ('..' expression?)? ;

// The parts of machine, distribution and support blocks.
members : '{' (member SEP)* '}' ;
member
  : LET pattern (':' type)? '=' expression
  | PARAM name ':' type '=' expression (IN range)?
  | SUPPORT expression
  | REQUIRE expression ',' STRING
  | NAME parameters? block
  ;

name : NAME | PARAM | REQUIRE | FROM | BY | THEN | WITH ;

// ------------------------------------------------------------------ tokens

DEF : 'def' ;
RANDOM : 'random' ;
MODEL : 'model' ;
INFER : 'infer' ;
STRUCT : 'struct' ;
LET : 'let' ;
VAR : 'var' ;
IF : 'if' ;
ELSE : 'else' ;
FOR : 'for' ;
IN : 'in' ;
WHILE : 'while' ;
RETURN : 'return' ;
FN : 'fn' ;
MACHINE : 'machine' ;
DISTRIBUTION : 'distribution' ;
SUPPORT : 'support' ;
EXPECT : 'expect' ;
PARAM : 'param' ;
REQUIRE : 'require' ;
FROM : 'from' ;
BY : 'by' ;
THEN : 'then' ;
WITH : 'with' ;
TRUE : 'true' ;
FALSE : 'false' ;

LPAREN : '(' ;
RPAREN : ')' ;
LBRACKET : '[' ;
RBRACKET : ']' ;
LBRACE : '{' ;
RBRACE : '}' ;
COMMA : ',' ;
SEP : ';' ;
COLON : ':' ;
QUESTION : '?' ;
ARROW : '=>' ;
ASSIGN : '=' ;
ADD_ASSIGN : '+=' ;
SUB_ASSIGN : '-=' ;
MUL_ASSIGN : '*=' ;
DIV_ASSIGN : '/=' ;
RECORD : ':=' ;
TILDE : '~' ;
OR : '||' ;
AND : '&&' ;
EQ : '==' ;
NE : '!=' ;
LT : '<' ;
LE : '<=' ;
GT : '>' ;
GE : '>=' ;
BAR : '|' ;
PLUS : '+' ;
MINUS : '-' ;
STAR : '*' ;
SLASH : '/' ;
PERCENT : '%' ;
ELEMENT_MUL : '.*' ;
ELEMENT_DIV : './' ;
CARET : '^' ;
NOT : '!' ;
DOT : '.' ;
DOTDOT : '..' ;

INT : [0-9]+ ;
REAL : [0-9]* '.' [0-9]+ EXPONENT? | [0-9]+ EXPONENT ;
fragment EXPONENT : [eE] [+-]? [0-9]+ ;
NAME : [A-Za-z_] [A-Za-z0-9_]* ;
STRING : '"' (~["\\\r\n] | '\\' ~[\r\n])* '"' ;

SPACE : [ \t\r\n]+ -> skip ;
LINE_COMMENT : '//' ~[\r\n]* -> skip ;
BLOCK_COMMENT : '/*' .*? '*/' -> skip ;

// Never part of a program: they let the errors be said in our own words.
UNCLOSED_STRING : '"' (~["\\\r\n] | '\\' ~[\r\n])* ;
UNCLOSED_COMMENT : '/*' ;
UNKNOWN : . ;
